import type { Sql } from '@fusion-prime/postgres'
import type { SanctionsList } from '../sanctions/list.ts'

/** How far a list has come through all parties and names. */
export type Progress = {
  list_version: string
  addresses: number
  names: number
  /** Escrow parties and names that were newly found. */
  matches: number
  started_at: Date
  /** When nothing was left for the first time. */
  finished_at: Date | null
}

const columns = (sql: Sql) => sql`
  list_version, addresses::int as addresses, names::int as names, matches::int as matches, started_at, finished_at`

const one = (rows: readonly Progress[]): Progress => {
  const [row] = rows
  if (!row) throw new Error('the rescreening’s row is missing')
  return row
}

export async function startRescreening(sql: Sql, { list, at }: { list: SanctionsList; at: Date }): Promise<Progress> {
  await sql`
    insert into rescreenings (list_sha256, list_as_of, list_version, started_at)
    values (${list.sha256}, ${list.asOf}, ${list.version}, ${at})
    on conflict (list_sha256, list_as_of) do nothing`
  return addProgress(sql, { list, addresses: 0, names: 0, matches: 0 })
}

export async function addProgress(
  sql: Sql,
  done: { list: SanctionsList; addresses: number; names: number; matches: number }
): Promise<Progress> {
  const { list, addresses, names, matches } = done
  return one(
    await sql<Progress[]>`
    update rescreenings set addresses = addresses + ${addresses}, names = names + ${names}, matches = matches + ${matches}
    where list_sha256 = ${list.sha256} and list_as_of = ${list.asOf}
    returning ${columns(sql)}`
  )
}

export async function finish(sql: Sql, { list, at }: { list: SanctionsList; at: Date }): Promise<Progress> {
  return one(
    await sql<Progress[]>`
    update rescreenings set finished_at = coalesce(finished_at, ${at})
    where list_sha256 = ${list.sha256} and list_as_of = ${list.asOf}
    returning ${columns(sql)}`
  )
}
