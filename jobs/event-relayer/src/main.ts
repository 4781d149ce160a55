import { parseArgs } from 'node:util'
import { createApp, createMetrics } from '@fusion-prime/http'
import { createLog, EXIT, PermanentError, readConfig, run } from '@fusion-prime/runtime'
import { createEventRelayer, type EventRelayer } from './app.ts'
import { RelayerConfig } from './config.ts'
import { startLoop } from './loop.ts'

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

async function keepTicking(relayer: EventRelayer, config: RelayerConfig): Promise<() => Promise<void>> {
  const loop = startLoop({ tick: relayer.tick, intervalSeconds: config.POLL_INTERVAL_SECONDS, log })
  const app = createApp({
    name: 'event-relayer',
    description: 'Health and metrics of the relayer',
    log,
    sql: relayer.sql,
    metrics: createMetrics(),
    serviceAuth: undefined,
    details: async () => ({ last_tick: loop.last() ?? null })
  })
  await app.listen({ port: config.PORT, host: config.HOST, listenTextResolver: () => 'listening' })
  log.info({ port: config.PORT }, 'relayer_ready')
  const stop = async () => {
    await loop.stop()
    await app.close()
    await relayer.close()
  }
  // It only ends by itself when relaying gives up.
  loop.ended.catch(error => {
    log.fatal({ error }, 'gave_up')
    process.exit(EXIT.giveUp)
  })
  return stop
}

await run(log, async () => {
  const mode = readMode()
  const config = readConfig(RelayerConfig, process.env)
  const relayer = createEventRelayer({ config, log })
  await relayer.check()
  return mode === 'tick' ? tickOnce(relayer) : keepTicking(relayer, config)
})
