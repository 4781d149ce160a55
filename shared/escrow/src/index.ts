import { fileURLToPath } from 'node:url'

export * from './project.ts'
export * from './ranges/index.ts'
export * from './standing.ts'
export * from './store.ts'

/** The tables of facts; every service that folds escrows has them in its own database. */
export const factMigrations = { label: 'escrow', path: fileURLToPath(new URL('../migrations', import.meta.url)) }
