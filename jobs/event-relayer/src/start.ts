import { createApp, createMetrics } from '@fusion-prime/http'
import { EXIT, type Log, readConfig } from '@fusion-prime/runtime'
import { createEventRelayer } from './app.ts'
import { RelayerConfig } from './config.ts'
import { startLoop } from './loop.ts'

/** The relayer in loop mode, with health and metrics; answers how to stop it. */
export async function startRelayer({
  env,
  log
}: {
  env: Readonly<Record<string, string | undefined>>
  log: Log
}): Promise<() => Promise<void>> {
  const config = readConfig(RelayerConfig, env)
  const relayer = createEventRelayer({ config, log })
  await relayer.check()
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
  const address = await app.listen({ port: config.PORT, host: config.HOST, listenTextResolver: () => 'listening' })
  log.info({ address }, 'relayer_ready')
  // Unless it is stopped, the loop ends only when relaying gives up.
  loop.ended.catch(error => {
    log.fatal({ error }, 'gave_up')
    process.exit(EXIT.giveUp)
  })
  return async () => {
    await loop.stop()
    await app.close()
    await relayer.close()
  }
}
