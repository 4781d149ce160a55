import { startService } from '@fusion-prime/http'
import { createLog, run } from '@fusion-prime/runtime'
import { compliance } from './app.ts'

const log = createLog('compliance')
await run(log, () => startService(compliance, { env: process.env, log }))
