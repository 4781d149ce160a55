import { startService } from '@fusion-prime/http'
import { createLog, run } from '@fusion-prime/runtime'
import { settlement } from './app.ts'

const log = createLog('settlement')
await run(log, () => startService(settlement, { env: process.env, log }))
