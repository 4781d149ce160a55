import { createParts, serve } from '@fusion-prime/http'
import { createLog, readConfig, run } from '@fusion-prime/runtime'
import { createSettlement } from './app.ts'
import { SettlementConfig } from './config.ts'

const log = createLog('settlement')
await run(log, async () => {
  const config = readConfig(SettlementConfig, process.env)
  const parts = createParts('settlement', { config, log })
  return serve(createSettlement(parts), { config, parts })
})
