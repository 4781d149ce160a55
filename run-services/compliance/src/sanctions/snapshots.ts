import type { Sql } from '@fusion-prime/postgres'
import { createList, type SanctionsList } from './list.ts'

/** Keeps the lists that decisions were made with. */
export type KeepList = (sql: Sql, list: SanctionsList) => Promise<void>

/** Stores a list once, and remembers that it did; a list's publisher may use one version twice, so its hash is its name. */
export function createKeepList(): KeepList {
  let kept: string | undefined
  return async (sql, { sha256, version, addresses, names }) => {
    if (kept === sha256) return
    await sql`
      insert into sanctions_lists (sha256, version, addresses, names)
      values (${sha256}, ${version}, ${JSON.stringify([...addresses])}::text::jsonb, ${JSON.stringify(names)}::text::jsonb)
      on conflict (sha256) do nothing`
    kept = sha256
  }
}

type Snapshot = { version: string; addresses: [string, string][]; names: { name: string; list: string }[] }

/** A list that a decision was made with; undefined if it is missing, or isn't the same any more. */
export async function findKeptList(
  sql: Sql,
  { sha256, as_of }: { sha256: string; as_of: string }
): Promise<SanctionsList | undefined> {
  const [row] = await sql<Snapshot[]>`select version, addresses, names from sanctions_lists where sha256 = ${sha256}`
  if (!row) return undefined
  const list = createList({ ...row, asOf: new Date(as_of), addresses: new Map(row.addresses) })
  return list.sha256 === sha256 ? list : undefined
}
