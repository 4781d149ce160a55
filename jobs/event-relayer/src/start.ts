import { createApp, createMetrics } from '@fusion-prime/http'
import { EXIT, type Log, readConfig } from '@fusion-prime/runtime'
import { createEventRelayer } from './app.ts'
import { RelayerConfig } from './config.ts'
import { startLoop } from './loop.ts'
import { providerRoutes } from './providers/routes.ts'
import { observe } from './status.ts'
import { systemClock } from './world.ts'

/** The relayer in loop mode, with health, metrics and the state of its providers; answers how to stop it. */
export async function startRelayer({
  env,
  log
}: {
  env: Readonly<Record<string, string | undefined>>
  log: Log
}): Promise<() => Promise<void>> {
  const config = readConfig(RelayerConfig, env)
  const metrics = createMetrics()
  const relayer = createEventRelayer({ config, log, registry: metrics.registry })
  await relayer.check()
  const loop = startLoop({
    tick: relayer.tick,
    keepLease: relayer.keepLease,
    clock: systemClock,
    intervalSeconds: config.POLL_INTERVAL_SECONDS,
    leaseSeconds: config.LEASE_SECONDS,
    log
  })
  const app = createApp({
    name: 'event-relayer',
    description: 'Health, metrics and providers of the relayer',
    log,
    sql: relayer.sql,
    metrics,
    serviceAuth: undefined,
    unready: loop.halted,
    details: async () => ({ last_tick: loop.last() ?? null, halted: loop.halted() ?? null })
  })
  app.addHook('onRequest', async request => {
    if (request.url === '/metrics') await observe(relayer)
  })
  app.register(providerRoutes({ providers: relayer.providers }))
  const address = await app.listen({ port: config.PORT, host: config.HOST, listenTextResolver: () => 'listening' })
  log.info({ address }, 'relayer_ready')
  // Unless it is stopped, the loop ends only when relaying gives up.
  loop.ended.catch(error => {
    log.fatal({ error }, 'gave_up')
    process.exit(EXIT.giveUp)
  })
  return async () => {
    await loop.stop()
    await relayer.release()
    await app.close()
    await relayer.close()
  }
}
