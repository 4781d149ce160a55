import type { Pool } from '@fusion-prime/postgres'
import { transaction } from '@fusion-prime/postgres'
import type { Log } from '@fusion-prime/runtime'
import { createEventRelayer, type EventRelayer } from '../src/app.ts'
import type { RelayerConfig } from '../src/config.ts'
import type { Protection } from '../src/world.ts'
import type { SimulationDatabase } from './database.ts'
import type { Faults } from './faults.ts'
import { createModelPublisher, type Journal } from './journal.ts'
import type { ModelProvider } from './model-provider.ts'
import { createProcess, freezeLength, type Process } from './process.ts'
import { createProcessSql } from './process-sql.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'

export type RelayerProcess = { process: Process; relayer: EventRelayer }

export type RelayerDeps = {
  config: RelayerConfig
  database: SimulationDatabase
  scheduler: Scheduler
  random: Random
  faults: Faults
  journal: Journal
  providers: readonly ModelProvider[]
  without: ReadonlySet<Protection>
  log: Log
}

/** The real relayer as a process among model providers, a model broker and a clock of its own, which may be wrong. */
export function startRelayerProcess(
  deps: RelayerDeps,
  { name, skewMs }: { name: string; skewMs: number }
): RelayerProcess {
  const { config, database, scheduler, random, faults, providers, log, without } = deps
  const process = createProcess({ name, scheduler, faults })
  const setClock = () => database.setClock(scheduler.now())
  const sql: Pool = createProcessSql({ sql: database.sql, process, scheduler, faults, setClock })

  async function mishap(where: string, probability: number): Promise<void> {
    if (faults.strikes('crash', probability)) process.kill(where)
    else if (faults.strikes('freeze', 4 * probability)) process.freeze(freezeLength(random), where)
    await process.awake()
  }

  const relayer = createEventRelayer({
    config,
    log,
    sql,
    world: {
      connect(url) {
        const provider = providers.find(one => one.url === url)
        if (!provider) throw new Error(`no model provider at ${url}`)
        return async (method, params) => {
          await mishap(method, 0.0005)
          await scheduler.sleep(random.int(2, 60))
          try {
            const answer = provider.answer(method, params)
            await scheduler.sleep(random.int(2, 60))
            return answer
          } finally {
            await process.awake()
          }
        }
      },
      publisher: createModelPublisher({ ...deps, process }),
      clock: {
        now: () => scheduler.now() + skewMs,
        async sleep(ms, signal) {
          const aborted = new Promise<void>(resolve => signal?.addEventListener('abort', () => resolve()))
          await Promise.race([scheduler.sleep(ms), aborted])
          await process.awake()
        }
      },
      transaction,
      at: point => mishap(point, 0.01),
      without
    }
  })
  return { process, relayer }
}
