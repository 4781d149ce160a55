import { createSql, type Sql } from '@fusion-prime/postgres'
import { deployables, serviceNames } from '../shared/local/src/deployables.ts'

/** Every row that the consumers keep, as text, by `<database>.<table>`. */
export type FinalState = ReadonlyMap<string, ReadonlySet<string>>

/** Times, and what tells how often or on which way a message came: not the same twice, and no part of the outcome. */
const INCIDENTAL = [
  ...['created_at', 'updated_at', 'received_at', 'processed_at', 'published_at', 'screened_at'],
  ...['duplicates', 'seq', 'attributes']
]
/** A fact's body is that of the message that came first; in these it may differ from that of another level. */
const PER_MESSAGE = ['event_id', 'finality', 'incarnation']

const databases = serviceNames.map(name => deployables[name].database)

export async function readState(urls: Readonly<Record<string, string>>): Promise<FinalState> {
  const state = new Map<string, ReadonlySet<string>>()
  for (const database of databases) {
    await withSql(urls[database], async sql => {
      for (const table of await tablesOf(sql)) state.set(`${database}.${table}`, await rowsOf(sql, table))
    })
  }
  return state
}

/** Empties every table of the consumers, as if they had never got a message. */
export async function forget(urls: Readonly<Record<string, string>>): Promise<void> {
  for (const database of databases) {
    await withSql(urls[database], async sql => {
      await sql`truncate ${sql(await tablesOf(sql))}`
    })
  }
}

/** Deliveries that the inboxes recognized as duplicates. */
export async function caughtDuplicates(url: string | undefined): Promise<number> {
  return withSql(url, async sql => {
    const [row] = await sql<{ caught: number }[]>`
      select coalesce(sum(duplicates), 0)::int as caught from processed_events`
    return row?.caught ?? 0
  })
}

/** What differs, a line for each table; empty when the states are equal. */
export function differences(expected: FinalState, actual: FinalState): string[] {
  return [...expected].flatMap(([table, rows]) => {
    const missing = [...rows.difference(actual.get(table) ?? new Set())]
    const unexpected = [...(actual.get(table) ?? new Set<string>()).difference(rows)]
    if (missing.length + unexpected.length === 0) return []
    const example = `for example ${missing[0] ?? 'nothing'} became ${unexpected[0] ?? 'nothing'}`
    return `${table} differs: ${missing.length} rows are missing, ${unexpected.length} are others; ${example}`
  })
}

export async function withSql<T>(url: string | undefined, work: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = createSql({ url, max: 1, applicationName: 'faults' })
  try {
    return await work(sql)
  } finally {
    await sql.end()
  }
}

async function tablesOf(sql: Sql): Promise<string[]> {
  const tables = await sql<{ name: string }[]>`
    select table_name as name from information_schema.tables where table_schema = 'public' and table_name <> 'schema_migrations'`
  return tables.map(table => table.name)
}

async function rowsOf(sql: Sql, table: string): Promise<Set<string>> {
  const rows = await sql<{ fields: string }[]>`
    select (
      (to_jsonb(one) - ${INCIDENTAL}::text[]) || jsonb_build_object('body', (to_jsonb(one) -> 'body') - ${PER_MESSAGE}::text[])
    )::text as fields
    from ${sql(table)} as one`
  return new Set(rows.map(row => row.fields))
}
