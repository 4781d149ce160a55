import { fileURLToPath } from 'node:url'

export * from './consume.ts'
export * from './price.ts'
export * from './settings.ts'
export * from './store.ts'

/** The tables of prices; every service that values assets has them in its own database. */
export const priceMigrations = { label: 'prices', path: fileURLToPath(new URL('../migrations', import.meta.url)) }
