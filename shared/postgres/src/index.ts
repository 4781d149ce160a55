import { fileURLToPath } from 'node:url'
import type { MigrationFolder } from './migrate.ts'

export * from './create-sql.ts'
export * from './dump-schema.ts'
export * from './inbox.ts'
export * from './migrate.ts'
export * from './outbox.ts'
export * from './packed.ts'
export * from './pipeline.ts'
export * from './transaction.ts'

/** The inbox and outbox; every deployable with a database has them in it. */
export const outboxMigrations: MigrationFolder = {
  label: 'postgres',
  path: fileURLToPath(new URL('../migrations', import.meta.url))
}
