import { createSql, migrate, type Pool } from '@fusion-prime/postgres'
import { migrations } from '../src/app.ts'

/** A database in which one seed after another is played, with a clock that is set. */
export type SimulationDatabase = {
  sql: Pool
  /** Milliseconds since the epoch. */
  setClock(now: number): Promise<void>
  /** Empties every table. */
  reset(): Promise<void>
  close(): Promise<void>
}

/** Whoever waits for a lock waits for a process that stands still. Longer waiting would change nothing. */
const LOCK_MS = 25

export async function openDatabase(url: string): Promise<SimulationDatabase> {
  const sql = createSql({ url, max: 8, applicationName: 'simulation', lockTimeoutMs: LOCK_MS })
  await migrate(sql, { folders: migrations })
  await sql`create table if not exists simulated_clock (now timestamptz not null)`
  await sql`insert into simulated_clock select 'epoch' where not exists (select from simulated_clock)`
  await sql`
    create or replace function relayer_now() returns timestamptz language sql stable
    as 'select now from simulated_clock'`
  const tables = await sql<{ name: string }[]>`
    select quote_ident(tablename) as name from pg_tables
    where schemaname = 'public' and tablename not in ('simulated_clock') and tablename !~ 'migrations'`
  const truncate = `truncate ${tables.map(({ name }) => name).join(', ')} restart identity cascade`
  let shown: number | undefined
  return {
    sql,
    async setClock(now) {
      if (now === shown) return
      shown = now
      await sql`update simulated_clock set now = to_timestamp(${now / 1000}::float8)`
    },
    async reset() {
      await sql.unsafe(truncate)
    },
    close: () => sql.end()
  }
}
