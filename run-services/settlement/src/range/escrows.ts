import { compareRows, type Escrow, type EscrowTimeline, type Fault, projectEscrow } from '@fusion-prime/escrow'
import type { Sql } from '@fusion-prime/postgres'
import { saveEscrows } from '../escrow/store.ts'

type Named = { chain_id: number; escrow_address: string }

export async function escrowFaults(sql: Sql, escrows: readonly EscrowTimeline[]): Promise<Fault[]> {
  return compareRows<Escrow>({
    what: 'escrow',
    expected: escrows.map(({ timeline }) => projectEscrow(timeline)),
    actual: await loadEscrows(sql, escrows),
    key: row => row.escrow_address,
    name: () => 'state of the escrow'
  })
}

/** Saves the state of those that have none; the caller has locked the escrows. */
export async function repairEscrows(sql: Sql, escrows: readonly EscrowTimeline[]): Promise<number> {
  const there = new Set((await loadEscrows(sql, escrows)).map(row => row.escrow_address))
  const missing = escrows.filter(({ escrow_address }) => !there.has(escrow_address))
  if (missing.length > 0)
    await saveEscrows(
      sql,
      missing.map(({ timeline }) => projectEscrow(timeline))
    )
  return missing.length
}

/** bigint columns as numbers: chain ids and approval counts were checked to be safe integers. */
const loadEscrows = (sql: Sql, keys: readonly Named[]): Promise<Escrow[]> => sql<Escrow[]>`
  select chain_id::float8 as chain_id, escrow_address, factory_address, payer, payee, arbiter, amount, asset_symbol,
    approvals_required::float8 as approvals_required, approvals, status, finality, anomalies
  from escrows
  where (chain_id, escrow_address) in (
    select * from unnest(${keys.map(key => key.chain_id)}::bigint[], ${keys.map(key => key.escrow_address)}::text[])
  )`
