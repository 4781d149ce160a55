import type postgres from 'postgres'
import type { Sql } from './create-sql.ts'

/**
 * Runs `work` in a transaction, within a transaction in a savepoint: kept when it resolves, rolled back when it throws.
 * After a connection fault the outcome is unknown: a commit may have happened, so the work must be safe to repeat.
 */
export async function transaction<T>(sql: Sql, work: (tx: Sql) => Promise<T>): Promise<T> {
  let over = false
  const end = () => {
    over = true
  }
  let result: { value: T } | undefined
  try {
    await begin(sql, async tx => {
      result = { value: await work(fence(tx, () => over)).finally(end) }
    })
  } finally {
    end()
  }
  if (!result) throw new Error('A transaction was committed without its work; this is a fault of the driver.')
  return result.value
}

function begin(sql: Sql, work: (tx: Sql) => Promise<void>): Promise<void> {
  const scope = sql as Partial<postgres.Sql & postgres.TransactionSql> // a pool or a transaction: told apart here
  if (scope.begin) return scope.begin(work)
  if (scope.savepoint) return scope.savepoint(work)
  throw new TypeError('transaction needs a pool or a transaction')
}

/** A statement sent after its transaction's end (left behind in a Promise.all) would run outside of any transaction. */
function fence(tx: Sql, over: () => boolean): Sql {
  const check = () => {
    if (over()) throw new Error('This transaction is over: await every statement before its callback returns.')
  }
  return new Proxy(tx, {
    apply: (target, _, args) => {
      check()
      return Reflect.apply(target, undefined, args)
    },
    get: (target, key) => {
      check()
      return Reflect.get(target, key)
    }
  })
}

const CONNECTION_CODES =
  /^(CONNECTION_(CLOSED|ENDED|DESTROYED)|CONNECT_TIMEOUT|E(CONNREFUSED|CONNRESET|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|NOTFOUND|AI_AGAIN|NOENT)|08...|57P0[1-5]|53300|25P03)$/

/** The database couldn't be reached, or its connection was lost: worth trying again. */
export function isConnectionFault(error: unknown): boolean {
  return CONNECTION_CODES.test(codeOf(error))
}

/** Another transaction was in the way: a lock that didn't come in time, a deadlock, a write that wasn't seen. Worth trying again. */
export function isConflict(error: unknown): boolean {
  return /^(55P03|40P01|40001)$/.test(codeOf(error))
}

/** The database refused the data itself (SQLSTATE classes 22 and 23): trying again can't help. */
export function isDataFault(error: unknown): boolean {
  return /^2[23]...$/.test(codeOf(error))
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
