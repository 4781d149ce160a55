import type { Pool } from '@fusion-prime/postgres'
import type { Faults } from './faults.ts'
import type { Process } from './process.ts'
import type { Scheduler } from './scheduler.ts'

type Deps = {
  sql: Pool
  process: Process
  scheduler: Scheduler
  faults: Faults
  /** Sets the database's clock to virtual time. */
  setClock(): Promise<void>
}

// The driver's own shapes, as far as they are stood in front of: a lazy query, and a pool's or a transaction's scope.
type Query = Promise<unknown>
type Scope = (...args: unknown[]) => unknown
type Work = (tx: Pool) => Promise<unknown>
type Begin = (work: Work) => Promise<unknown>

/**
 * The pool as one process has it. A statement is sent only while the process is awake; one of a dead process, or of a session
 * that the server has ended, has no effect. A transaction may commit and its answer be lost.
 */
export function createProcessSql(deps: Deps): Pool {
  const { sql, process, scheduler, faults, setClock } = deps

  function watch(query: Query, isLost: () => boolean): Query {
    const send = query.then.bind(query)
    let answer: Promise<unknown> | undefined
    const answered = () => (answer ??= run())
    async function run(): Promise<unknown> {
      await process.awake()
      if (isLost()) throw connectionLost()
      const result = await scheduler.outside(setClock().then(() => send()))
      await process.awake()
      return result
    }
    // The driver sends a query when it is awaited; these stand before that.
    Object.defineProperties(query, {
      // biome-ignore lint/suspicious/noThenProperty: a query of the driver is a promise that begins when it is awaited
      then: { value: (...args: Parameters<Query['then']>) => answered().then(...args) },
      catch: { value: (...args: Parameters<Query['catch']>) => answered().catch(...args) },
      finally: { value: (...args: Parameters<Query['finally']>) => answered().finally(...args) }
    })
    return query
  }

  function wrap(scope: Pool, isLost: () => boolean): Pool {
    return new Proxy(scope, {
      apply(target, _, args) {
        const made = (target as unknown as Scope)(...args) // typed by overloads, called as it came
        return made instanceof Promise ? watch(made, isLost) : made
      },
      get(target, key) {
        if (key === 'begin') return (work: Work) => begin(work)
        if (key === 'savepoint') {
          const savepoint = Reflect.get(target, key) as Begin
          return (work: Work) => savepoint(tx => work(wrap(tx, isLost)))
        }
        return key === 'end' ? async () => {} : Reflect.get(target, key)
      }
    })
  }

  async function begin(work: Work): Promise<unknown> {
    await process.awake()
    const { promise: lost, reject } = Promise.withResolvers<never>()
    lost.catch(() => {})
    let isLost = false
    const forget = process.onLost(() => {
      isLost = true
      if (!process.isDead()) faults.note('session_ended', process.name)
      reject(connectionLost())
    })
    // The scheduler waits for the database, and not while the process works inside the transaction.
    const began = Promise.withResolvers<void>()
    const ended = Promise.withResolvers<void>()
    void scheduler.outside(began.promise)
    const done = (sql.begin as unknown as Begin)(async tx => {
      // overloaded; only this form is called
      began.resolve()
      try {
        const result = await Promise.race([work(wrap(tx, () => isLost)), lost])
        if (faults.strikes('commit_refused', 0.02)) {
          faults.note('commit_refused', process.name)
          throw connectionLost()
        }
        return result
      } finally {
        void scheduler.outside(ended.promise)
      }
    }).finally(() => {
      forget()
      began.resolve()
      ended.resolve()
    })
    const result = await done.finally(process.awake)
    if (faults.strikes('commit_unreported', 0.03)) {
      faults.note('commit_unreported', process.name)
      throw connectionLost()
    }
    return result
  }

  return wrap(sql, () => false)
}

const connectionLost = () =>
  Object.assign(new Error('the connection to Postgres was lost'), { code: 'CONNECTION_CLOSED' })
