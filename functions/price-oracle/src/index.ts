import { createLog, readConfig } from '@fusion-prime/runtime'
import { http } from '@google-cloud/functions-framework'
import { PriceOracleConfig } from './config.ts'
import { createHandle } from './handle.ts'
import { createPriceOracle } from './oracle.ts'

const log = createLog('price-oracle')
const oracle = createPriceOracle({ config: readConfig(PriceOracleConfig, process.env), log })
http('price-oracle', createHandle({ oracle, log }))
