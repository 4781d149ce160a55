import { randomBytes } from 'node:crypto'
import { createSql } from '@fusion-prime/postgres'
import { type LocalPostgres, startPostgres } from './postgres.ts'
import { dropDatabase, ensureDatabase, passwordOf } from './postgres-databases.ts'

export type TestDatabase = {
  /** Of an empty database, with a role of its own that is no superuser. */
  readonly url: string
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Used where no run-wide server is given (TEST_POSTGRES_URL, see test-setup.ts): one per process, as long as it is needed. */
let own: Promise<LocalPostgres> | undefined
let users = 0

/** A fresh database on a real Postgres; closing it drops it. */
export async function testDatabase(): Promise<TestDatabase> {
  const server = await acquireServer()
  const name = `test_${randomBytes(8).toString('hex')}`
  const secret = randomBytes(16).toString('hex')
  const admin = createSql({
    url: server.adminUrl,
    max: 1,
    applicationName: 'test-database',
    statementTimeoutMs: 20_000
  })
  await ensureDatabase(admin, { name, secret })
  const url = new URL(server.adminUrl)
  url.username = name
  url.password = passwordOf(secret, name)
  url.pathname = name
  const close = async () => {
    // Dropping waits until every session of the server has noticed, also those of other tests; the server itself goes with the run.
    await dropDatabase(admin, name).catch(error => {
      if (codeOf(error) !== STATEMENT_TIMEOUT) throw error
    })
    await admin.end()
    await server.release()
  }
  return { url: url.href, close, [Symbol.asyncDispose]: close }
}

const STATEMENT_TIMEOUT = '57014'

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined)

async function acquireServer(): Promise<{ adminUrl: string; release(): Promise<void> }> {
  const given = process.env.TEST_POSTGRES_URL
  if (given) return { adminUrl: given, release: async () => {} }
  users += 1
  own ??= startPostgres({ databases: [] })
  const { adminUrl, stop } = await own
  return {
    adminUrl,
    async release() {
      users -= 1
      if (users > 0) return
      own = undefined
      await stop()
    }
  }
}
