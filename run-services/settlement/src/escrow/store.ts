import type { Escrow } from '@fusion-prime/escrow'
import type { Sql } from '@fusion-prime/postgres'

export type EscrowRow = Escrow & { updated_at: string }

/** Saves the state of escrows that the caller has locked. */
export async function saveEscrows(sql: Sql, escrows: readonly Escrow[]): Promise<void> {
  await sql`
    insert into escrows as saved (
      chain_id, escrow_address, factory_address, payer, payee, arbiter, amount, asset_symbol, approvals_required, approvals, status,
      finality, anomalies
    )
    select chain_id, escrow_address, factory_address, payer, payee, arbiter, amount, asset_symbol, approvals_required,
      array(select jsonb_array_elements_text(approvals)), status, finality, array(select jsonb_array_elements_text(anomalies))
    from jsonb_to_recordset(${JSON.stringify(escrows)}::text::jsonb) as given (
      chain_id bigint, escrow_address text, factory_address text, payer text, payee text, arbiter text, amount numeric, asset_symbol text,
      approvals_required bigint, approvals jsonb, status text, finality text, anomalies jsonb
    )
    on conflict (chain_id, escrow_address) do update set
      factory_address = excluded.factory_address, payer = excluded.payer, payee = excluded.payee, arbiter = excluded.arbiter,
      amount = excluded.amount, asset_symbol = excluded.asset_symbol, approvals_required = excluded.approvals_required,
      approvals = excluded.approvals, status = excluded.status, finality = excluded.finality, anomalies = excluded.anomalies,
      updated_at = now()`
}

/** The escrows at an address: none, one, or one per chain. */
export async function findEscrows(
  sql: Sql,
  { address, chainId }: { address: string; chainId: number | undefined }
): Promise<EscrowRow[]> {
  const rows = await sql<StoredEscrow[]>`
    select * from escrows where escrow_address = ${address} and (${chainId ?? null}::bigint is null or chain_id = ${chainId ?? null})
    order by chain_id limit 2`
  return rows.map(fromRow)
}

export type EscrowQuery = {
  status: string | undefined
  payer: string | undefined
  payee: string | undefined
  chainId: number | undefined
  after: { chain_id: number; escrow_address: string } | undefined
  limit: number
}

/** A page of escrows by (chain_id, escrow_address); reverted ones only when asked for. */
export async function listEscrows(sql: Sql, query: EscrowQuery): Promise<EscrowRow[]> {
  const { status, payer, payee, chainId, after, limit } = query
  const rows = await sql<StoredEscrow[]>`
    select * from escrows
    where ${status ? sql`status = ${status}` : sql`status <> 'reverted'`}
      ${payer ? sql`and payer = ${payer}` : sql``}
      ${payee ? sql`and payee = ${payee}` : sql``}
      ${chainId === undefined ? sql`` : sql`and chain_id = ${chainId}`}
      ${after ? sql`and (chain_id, escrow_address) > (${after.chain_id}, ${after.escrow_address})` : sql``}
    order by chain_id, escrow_address
    limit ${limit}`
  return rows.map(fromRow)
}

/** bigint columns come as text; chain ids and approval counts were checked to be safe integers. */
type StoredEscrow = Omit<Escrow, 'chain_id' | 'approvals_required'> & {
  chain_id: string
  approvals_required: string | null
  updated_at: Date
}

function fromRow({ chain_id, approvals_required, updated_at, ...rest }: StoredEscrow): EscrowRow {
  return {
    ...rest,
    chain_id: Number(chain_id),
    approvals_required: approvals_required === null ? null : Number(approvals_required),
    updated_at: updated_at.toISOString()
  }
}
