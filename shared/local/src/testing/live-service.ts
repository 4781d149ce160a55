import { type Service, type serviceConfig, startService } from '@fusion-prime/http'
import { createSql, type MigrationFolder, migrate, type Pool } from '@fusion-prime/postgres'
import { createLog } from '@fusion-prime/runtime'
import type { TObject } from 'typebox'
import { testDatabase } from '../test-database.ts'
import { PUSH_PREFIX } from './facts.ts'

export type LiveService = {
  readonly name: string
  readonly url: string
  /** What its push tokens must say. */
  readonly claims: { audience: string; email: string }
  readonly sql: Pool
  /** All that it logged. */
  log(): string
  lines(): Record<string, unknown>[]
  /** Rows by table, migrations left out. */
  rows(): Promise<Record<string, number>>
  close(): Promise<void>
}

/** The account that may call everything; its tokens are for `https://<service>.example`, as those of pushes. */
export const OPERATOR = 'operator@test.iam.gserviceaccount.com'

/** A service as main.ts starts it, on a free port and a fresh database, with real tokens; its broker is PUBSUB_EMULATOR_HOST. */
export async function startLiveService<Config extends TObject<typeof serviceConfig>>(
  service: Service<Config>,
  options: {
    migrations: readonly MigrationFolder[]
    issuer: { url: string; jwksUrl: string }
    settings?: Record<string, string>
  }
): Promise<LiveService> {
  const { name } = service
  const { migrations, issuer, settings } = options
  const database = await testDatabase()
  const sql = createSql({ url: database.url, max: 3, applicationName: 'test' })
  await migrate(sql, { folders: migrations })
  const written: string[] = []
  const log = createLog(name, { write: line => void written.push(line) })
  const claims = { audience: `https://${name}.example`, email: `${name}-push@test.iam.gserviceaccount.com` }
  const env = {
    PORT: '0',
    HOST: '127.0.0.1',
    DATABASE_URL: database.url,
    DATABASE_POOL: '5',
    GOOGLE_CLOUD_PROJECT: 'test',
    PUSH_AUTH_MODE: 'oidc',
    PUSH_AUDIENCE: claims.audience,
    PUSH_SERVICE_ACCOUNT: claims.email,
    PUSH_SUBSCRIPTION_PREFIX: PUSH_PREFIX,
    OIDC_ISSUER: issuer.url,
    OIDC_JWKS_URL: issuer.jwksUrl,
    SERVICE_AUTH_MODE: 'oidc',
    SERVICE_AUDIENCE: claims.audience,
    ALLOWED_CALLERS: JSON.stringify({ [OPERATOR]: ['*'] }),
    ...settings
  }
  const stop = await startService(service, { env, log })
  const lines = () => written.map(line => JSON.parse(line))
  return {
    name,
    url: lines().find(line => line.message === 'service_ready').address,
    claims,
    sql,
    log: () => written.join(''),
    lines,
    async rows() {
      const tables = await sql<{ name: string; rows: number }[]>`
        select table_name as name,
          (xpath('/row/c/text()', query_to_xml(format('select count(*) as c from %I', table_name), false, true, '')))[1]::text::int as rows
        from information_schema.tables where table_schema = 'public' and table_name not like '%migrations%'`
      return Object.fromEntries(tables.map(table => [table.name, table.rows]))
    },
    async close() {
      await stop()
      await sql.end()
      await database.close()
    }
  }
}
