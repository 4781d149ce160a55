import { fileURLToPath } from 'node:url'

export * from './create-sql.ts'
export * from './inbox.ts'
export * from './outbox.ts'
export * from './transaction.ts'

/** The inbox and outbox; every deployable with a database has them in it. */
export const outboxMigrations = { label: 'postgres', path: fileURLToPath(new URL('../migrations', import.meta.url)) }
