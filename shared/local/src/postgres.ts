import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSql, type Pool } from '@fusion-prime/postgres'
import { unprivilegedAccount } from './postgres-binaries.ts'
import { ADMIN, openCluster } from './postgres-cluster.ts'
import { dropDatabase, ensureDatabase, passwordOf } from './postgres-databases.ts'
import { type Server, type ServerOptions, startServer } from './postgres-process.ts'

export type PostgresOptions = {
  /** Kept, and opened again by the next start. Default: a temporary one, removed by `stop`. */
  dataDir?: string | undefined
  /** Default: a free one. */
  port?: number | undefined
  /** Databases to have; each belongs to a role of the same name with a password of its own. */
  databases: readonly string[]
  /** Survives a crash of the machine, not only of the server. Default false: faster. */
  durable?: boolean | undefined
}

/** A real PostgreSQL server on 127.0.0.1. It ends with this process, however that ends. */
export type LocalPostgres = {
  readonly port: number
  /** The superuser's URL, database `postgres`. */
  readonly adminUrl: string
  /** By database, with its own role. */
  readonly urls: Readonly<Record<string, string>>
  readonly pid: number
  /** SIGKILL to the server's first process, as a crash would. */
  kill(): Promise<void>
  /** Starts again on the same port, after `kill` or while running. */
  restart(): Promise<void>
  stop(): Promise<void>
  /** Answers the new database's URL. With `template`: a copy, which belongs to the template's role. */
  createDatabase(name: string, options?: { template?: string }): Promise<string>
  dropDatabase(name: string): Promise<void>
}

/** Starts PostgreSQL from npm's binaries, as `nobody` when called by root. Throws with what to do if a folder or port can't be used. */
export async function startPostgres(options: PostgresOptions): Promise<LocalPostgres> {
  const { databases, durable = false } = options
  const scratch = await mkdtemp(join(tmpdir(), 'fusion-prime-postgres-'))
  try {
    await chmod(scratch, 0o711)
    const home = options.dataDir ?? join(scratch, 'home')
    const cluster = await openCluster({ home, scratch, account: await unprivilegedAccount(), durable })
    const postgres = await serveSomewhere({ ...cluster, durable, scratch, port: options.port })
    try {
      await asAdmin(postgres.adminUrl, sql => sql`revoke connect on database postgres, template1 from public`)
      for (const name of databases) await postgres.createDatabase(name)
      return postgres
    } catch (error) {
      await postgres.stop()
      throw error
    }
  } catch (error) {
    await rm(scratch, { recursive: true, force: true })
    throw error
  }
}

/** A free port may be taken by another process before the server binds it; a given one is used or refused. */
async function serveSomewhere({
  port,
  ...options
}: Omit<ServerOptions, 'port'> & { port: number | undefined }): Promise<LocalPostgres> {
  if (port) return serve({ ...options, port })
  for (let attempt = 1; ; attempt++) {
    try {
      return await serve({ ...options, port: await freePort() })
    } catch (error) {
      if (attempt === 5 || !/Address already in use/.test(String(error))) throw error
    }
  }
}

async function serve(options: ServerOptions): Promise<LocalPostgres> {
  const { port, secret, scratch } = options
  const url = (role: string, database: string) =>
    `postgres://${role}:${passwordOf(secret, role)}@127.0.0.1:${port}/${database}`
  const adminUrl = url(ADMIN, 'postgres')
  const urls: Record<string, string> = {}
  let server: Server = await startServer(options)
  return {
    port,
    adminUrl,
    urls,
    get pid() {
      return server.pid
    },
    kill: () => server.kill(),
    async restart() {
      await server.stop()
      server = await startServer(options)
    },
    async stop() {
      await server.stop()
      await rm(scratch, { recursive: true, force: true })
    },
    async createDatabase(name, { template } = {}) {
      const owner = await asAdmin(adminUrl, sql => ensureDatabase(sql, { name, secret, template }))
      urls[name] = url(owner, name)
      return urls[name]
    },
    async dropDatabase(name) {
      await asAdmin(adminUrl, sql => dropDatabase(sql, name))
      delete urls[name]
    }
  }
}

async function asAdmin<T>(url: string, work: (sql: Pool) => Promise<T>): Promise<T> {
  const sql = createSql({ url, max: 1, applicationName: 'local-admin', statementTimeoutMs: 60_000 })
  try {
    return await work(sql)
  } finally {
    await sql.end()
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('No free port on 127.0.0.1')
  return address.port
}
