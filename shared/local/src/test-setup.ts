import { type LocalPostgres, startPostgres } from './postgres.ts'

/* One Postgres for a whole test run: `node --test --test-global-setup=shared/local/src/test-setup.ts`. */

let postgres: LocalPostgres | undefined

export async function globalSetup(): Promise<void> {
  if (process.env.TEST_POSTGRES_URL) return
  postgres = await startPostgres({ databases: [] })
  process.env.TEST_POSTGRES_URL = postgres.adminUrl
}

export async function globalTeardown(): Promise<void> {
  await postgres?.stop()
}
