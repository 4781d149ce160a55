import { createSql, type Sql } from '@fusion-prime/postgres'
import { deployables, serviceNames } from '../shared/local/src/deployables.ts'

/** Every row that the consumers keep, as text, by `<database>.<table>`. */
export type FinalState = ReadonlyMap<string, ReadonlySet<string>>

/**
 * Left out of every row: how often or on which way a message came (`attributes` hold a trace that begins at each handling). By their
 * type all times are left out too, and numbers that count rows in the order in which they came.
 */
const INCIDENTAL = ['duplicates', 'attributes']
/** A fact's body is that of the message that came first; in these it may differ from that of another level. */
const PER_MESSAGE = ['event_id', 'finality', 'incarnation']

/**
 * Who is asked about a command may answer late on a busy machine: then it is held, and tried again until it comes out the same. Its
 * risk is that of what the account has at stake at that moment, and escrows have no order among them.
 */
const DEPENDS_ON_THE_MOMENT: Readonly<Record<string, readonly string[]>> = {
  'settlement_db.settlement_commands': ['risk', 'held_count'],
  'risk_db.command_outcomes': ['reason'],
  // Its id has in it when the match was found.
  'settlement_db.sanctions_notices': ['event_id'],
  // The chain of decisions is in the order of deciding; a decision, and so its hash, has in it when it was made.
  'compliance_db.compliance_checks': ['position', 'decision', 'prev_hash', 'hash', 'decided_at'],
  'compliance_db.compliance_payments': ['position'],
  'compliance_db.audit_head': ['hash', 'prev_hash', 'day', 'prev_day']
}

/** Tables that tell how it went, or what is so now, rather than what became of the messages. */
const LEFT_OUT = [
  // The market goes on: another price every second, from nowhere in the chain's facts.
  ...['risk_db.prices', 'risk_db.price_closes', 'compliance_db.prices', 'compliance_db.price_closes'],
  // A row for every time that somebody asked, and a delivery that comes again asks again; levels follow from them.
  ...['risk_db.risk_metrics', 'risk_db.risk_standings', 'settlement_db.account_notices'],
  // What the schedule writes whenever it is its time, and the list of the day.
  ...['compliance_db.rescreenings', 'compliance_db.audit_days', 'compliance_db.sanctions_lists']
]

/** Topics of the relayer. */
export const RELAYED = ['escrow-events', 'settlement-commands', 'chain.ranges.v1']

export const databases = serviceNames.map(name => deployables[name].database)

export async function readState(urls: Readonly<Record<string, string>>): Promise<FinalState> {
  const state = new Map<string, ReadonlySet<string>>()
  for (const database of databases) {
    await withSql(urls[database], async sql => {
      for (const table of await tablesOf(sql)) {
        const name = `${database}.${table}`
        if (!LEFT_OUT.includes(name)) state.set(name, await rowsOf(sql, { table, name }))
      }
    })
  }
  return state
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

export async function tablesOf(sql: Sql): Promise<string[]> {
  const tables = await sql<{ name: string }[]>`
    select table_name as name from information_schema.tables where table_schema = 'public' and table_name <> 'schema_migrations'`
  return tables.map(table => table.name)
}

async function rowsOf(sql: Sql, { table, name }: { table: string; name: string }): Promise<Set<string>> {
  const incidental = await sql<{ column: string }[]>`
    select column_name as column from information_schema.columns
    where table_schema = 'public' and table_name = ${table} and (data_type = 'timestamp with time zone' or is_identity = 'YES')`
  const without = [...incidental.map(one => one.column), ...INCIDENTAL, ...(DEPENDS_ON_THE_MOMENT[name] ?? [])]
  const rows = await sql<{ fields: string; times: number }[]>`
    select (
      (to_jsonb(entry) - ${without}::text[]) || jsonb_build_object('body', (to_jsonb(entry) -> 'body') - ${PER_MESSAGE}::text[])
    )::text as fields, count(*)::int as times
    from ${sql(table)} as entry
    where ${followsFromFacts(sql, table)}
    group by fields`
  return new Set(rows.map(({ fields, times }) => (times === 1 ? fields : `${times} times ${fields}`)))
}

/** Messages about facts and of the relayer; the others have times in them, and books.ts and inboxes.ts compare them id by id. */
function followsFromFacts(sql: Sql, table: string): ReturnType<Sql> {
  switch (table) {
    case 'outbox':
      return sql`attributes->>'event_type' like 'escrow%'`
    case 'processed_events':
      return sql`topic = any (${RELAYED}::text[])`
    default:
      return sql`true`
  }
}
