import type { EscrowKey } from '@fusion-prime/escrow'
import type { Sql } from '@fusion-prime/postgres'

/** The next escrows that have facts or transfers, by (chain_id, escrow_address). */
export async function nextEscrows(
  sql: Sql,
  { limit, after }: { limit: number; after?: EscrowKey | undefined }
): Promise<EscrowKey[]> {
  const page = (table: string) => sql`
    select distinct chain_id, escrow_address from ${sql(table)}
    ${after ? sql`where (chain_id, escrow_address) > (${after.chain_id}, ${after.escrow_address})` : sql``}
    order by chain_id, escrow_address limit ${limit}`
  const rows = await sql<{ chain_id: string; escrow_address: string }[]>`
    (${page('facts')}) union (${page('ledger_transfers')}) order by chain_id, escrow_address limit ${limit}`
  return rows.map(({ chain_id, escrow_address }) => ({ chain_id: Number(chain_id), escrow_address }))
}

/** All transfers by asset, read without any index; amounts in base units. */
export async function sumTransfers(sql: Sql): Promise<{ asset_symbol: string; transfers: number; moved: string }[]> {
  return sql<{ asset_symbol: string; transfers: number; moved: string }[]>`
    select asset_symbol, count(*)::float8 as transfers, sum(amount)::text as moved
    from ledger_transfers group by asset_symbol order by asset_symbol`
}
