import { startService } from '@fusion-prime/http'
import { createLog, run } from '@fusion-prime/runtime'
import { riskEngine } from './app.ts'

const log = createLog('risk-engine')
await run(log, () => startService(riskEngine, { env: process.env, log }))
