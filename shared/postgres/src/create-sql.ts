import { PermanentError } from '@fusion-prime/runtime'
import postgres from 'postgres'
import { installArrayTypes } from './array-types.ts'
import { createGuardedPool } from './guard.ts'

/** A pool or a transaction: what statements are written against. */
export type Sql = postgres.ISql
export type Pool = postgres.Sql

export type SqlOptions = {
  /** `postgres://user:password@host:port/database`, a socket's folder as `?host=/cloudsql/…`. Default: libpq's PG* variables. */
  url?: string | undefined
  /** Connections at most. While a broken pool is replaced (1 s) the old one's may still be open. */
  max: number
  applicationName: string
  statementTimeoutMs?: number
  lockTimeoutMs?: number
  idleTimeoutMs?: number
  /** A transaction that sends nothing for so long is ended by the server, with its locks: its process is frozen or gone. */
  idleTransactionMs?: number
  /** Told of every lost connection; its statements and transactions are rejected, the next ones get new connections. */
  onFault?(error: Error): void
}

const CONNECT_SECONDS = 5
/** A server that is this late beyond the statement timeout is gone. */
const ANSWER_GRACE_MS = 5_000
/** Delay before a connection that failed is tried again: short, since callers have a back-off of their own. */
const RECONNECT_SECONDS = 0.1

const optionsOf = new WeakMap<object, SqlOptions>()

/** A pool over `postgres` that outlives its server's death. `numeric` and `int8` come as strings. */
export function createSql(options: SqlOptions): Pool {
  const {
    url,
    max,
    applicationName,
    statementTimeoutMs = 5_000,
    lockTimeoutMs = 3_000,
    idleTimeoutMs = 30_000,
    idleTransactionMs = 60_000,
    onFault
  } = options
  const pool = createGuardedPool({
    silenceMs: statementTimeoutMs + ANSWER_GRACE_MS,
    onFault: error => onFault?.(error),
    open(socket) {
      const settings = {
        ...(url === undefined ? {} : parseUrl(url)),
        max,
        socket, // understood by the driver, absent from its typings
        ssl: false,
        fetch_types: false,
        idle_timeout: idleTimeoutMs / 1_000,
        connect_timeout: CONNECT_SECONDS,
        backoff: () => RECONNECT_SECONDS,
        onnotice: () => {},
        connection: {
          application_name: applicationName,
          statement_timeout: statementTimeoutMs,
          lock_timeout: lockTimeoutMs,
          idle_in_transaction_session_timeout: idleTransactionMs
        }
      }
      const opened = postgres(settings)
      installArrayTypes(opened)
      return opened
    }
  })
  optionsOf.set(pool, options)
  return pool
}

/** A pool of its own to the same database, for work that needs other limits (migrations). */
export function createSqlLike(sql: Sql, changes: Partial<SqlOptions>): Pool {
  const options = optionsOf.get(sql)
  if (!options) throw new Error('createSqlLike needs a pool made by createSql, not a transaction')
  return createSql({ ...options, ...changes })
}

function parseUrl(text: string) {
  const { protocol, searchParams, port, host, ...account } = readUrl(text)
  if (!/^postgres(ql)?:$/.test(protocol)) {
    throw new PermanentError(`A database URL starts with postgres://, this one with ${protocol}//`)
  }
  const [unknown] = [...searchParams.keys()].filter(key => key !== 'host' && key !== 'sslmode')
  if (unknown !== undefined)
    throw new PermanentError(`Unknown parameter ${unknown} in the database URL; known: host, sslmode=disable`)
  if ((searchParams.get('sslmode') ?? 'disable') !== 'disable') {
    throw new PermanentError(
      'TLS to Postgres is not supported: connect through Cloud SQL’s socket (?host=/cloudsql/<connection name>)'
    )
  }
  return { host: searchParams.get('host') ?? host, ...(port === '' ? {} : { port: Number(port) }), ...account }
}

/** The parts of a URL, decoded. One that can’t be read isn’t quoted: it holds a password. */
function readUrl(text: string) {
  try {
    const { protocol, searchParams, port, hostname, pathname, username, password } = new URL(
      text.replace('@/', '@localhost/')
    )
    return {
      protocol,
      searchParams,
      port,
      host: decodeURIComponent(hostname),
      database: decodeURIComponent(pathname.slice(1)),
      username: decodeURIComponent(username),
      password: decodeURIComponent(password)
    }
  } catch {
    throw new PermanentError(
      'The database URL can’t be read; it has the form postgres://user:password@host:port/database, special characters percent-encoded'
    )
  }
}
