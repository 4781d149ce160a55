import { parseArgs } from 'node:util'
import { createLog, EXIT, PermanentError, run } from '@fusion-prime/runtime'
import { startPriceOracle } from './start.ts'

const USAGE = `usage: main.ts --mode=loop

  loop   a round every PRICE_INTERVAL_SECONDS, until SIGTERM; POST / runs one at once, GET /health and /metrics tell how it is

Settings are environment variables; .env.example lists them.`

const log = createLog('price-oracle')
await run(log, async () => {
  const { values } = parseArgs({ options: { mode: { type: 'string' }, help: { type: 'boolean', short: 'h' } } })
  if (values.help) {
    process.stdout.write(`${USAGE}\n`)
    process.exit(EXIT.done)
  }
  if (values.mode !== 'loop') throw new PermanentError(`--mode is ${values.mode ?? 'missing'}: use --mode=loop`)
  return startPriceOracle({ env: process.env, log })
})
