import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { createConnectionEnd, type Log, newTraceparent, readConfig } from '@fusion-prime/runtime'
import { PriceOracleConfig } from './config.ts'
import { createHandle } from './handle.ts'
import { type Clock, startLoop } from './loop.ts'
import { createPriceOracle } from './oracle.ts'

// Monotonic: a clock that is set mustn't make rounds skip or pile up.
const systemClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {})
}

/** The oracle as a loop, with the function's HTTP on PORT; answers how to stop it. */
export async function startPriceOracle({
  env,
  log
}: {
  env: Readonly<Record<string, string | undefined>>
  log: Log
}): Promise<() => Promise<void>> {
  const config = readConfig(PriceOracleConfig, env)
  const oracle = createPriceOracle({ config, log })
  const server = createServer(createHandle({ oracle, log }))
  const endConnections = createConnectionEnd(server)
  server.listen(config.PORT, config.HOST)
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : config.PORT
  log.info({ address: `http://${config.HOST}:${port}` }, 'price_oracle_ready')
  const loop = startLoop({
    async round() {
      await oracle
        .round({ correlation_id: randomUUID(), traceparent: newTraceparent() })
        .catch(error => log.error({ error }, 'price_round_failed'))
    },
    clock: systemClock,
    intervalMs: config.PRICE_INTERVAL_SECONDS * 1000
  })
  return async () => {
    const closed = once(server, 'close')
    server.close()
    endConnections()
    await loop.stop()
    server.closeIdleConnections() // those that were busy when it closed
    await closed
    await oracle.close()
  }
}
