import { parseArgs } from 'node:util'
import { createLog, EXIT, PermanentError, readConfig, run } from '@fusion-prime/runtime'
import { createEventRelayer, type EventRelayer } from './app.ts'
import { RelayerConfig } from './config.ts'
import { startRelayer } from './start.ts'

const USAGE = `usage: main.ts --mode=tick|loop

  tick   relays what came since the checkpoint, then exits: 0 done, 1 gives up, 75 try again
  loop   ticks every POLL_INTERVAL_SECONDS, with health and metrics on PORT

Settings are environment variables; .env.example lists them.`

const log = createLog('event-relayer')

function readMode(): 'tick' | 'loop' {
  const options = { mode: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const
  const { values } = parseArgs({ options })
  if (values.help) {
    process.stdout.write(`${USAGE}\n`)
    process.exit(EXIT.done)
  }
  if (values.mode === 'tick' || values.mode === 'loop') return values.mode
  throw new PermanentError(`--mode is ${values.mode ?? 'missing'}: use --mode=tick or --mode=loop`)
}

async function tickOnce(relayer: EventRelayer): Promise<never> {
  const done = await relayer.tick()
  log.info(done, 'tick_done')
  await relayer.close()
  process.exit(done.unpublished > 0 ? EXIT.tryAgain : EXIT.done)
}

await run(log, async () => {
  if (readMode() === 'loop') return startRelayer({ env: process.env, log })
  const relayer = createEventRelayer({ config: readConfig(RelayerConfig, process.env), log })
  await relayer.check()
  return tickOnce(relayer)
})
