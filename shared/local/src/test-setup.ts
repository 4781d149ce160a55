import { join } from 'node:path'
import { type LocalPostgres, startPostgres } from './postgres.ts'

/* One Postgres for a whole test run, and one place for compiled code, which halves what a start costs: `node --test --test-global-setup=shared/local/src/test-setup.ts`. */

let postgres: LocalPostgres | undefined

export async function globalSetup(): Promise<void> {
  // Coverage is less precise with it. Among the modules, where nobody else may write: what stands there is run.
  if (!process.execArgv.includes('--experimental-test-coverage'))
    process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, '../../../node_modules/.cache/compiled')
  if (process.env.TEST_POSTGRES_URL) return
  postgres = await startPostgres({ databases: [] })
  process.env.TEST_POSTGRES_URL = postgres.adminUrl
}

export async function globalTeardown(): Promise<void> {
  await postgres?.stop()
}
