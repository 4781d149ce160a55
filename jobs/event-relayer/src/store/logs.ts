import { packed, type Sql } from '@fusion-prime/postgres'
import type { FactBody, ReadLog } from '../decode/escrow.ts'

/** Appends logs as the chain gave them. One that is there already stays. */
export async function insertLogs(
  tx: Sql,
  { chainId, logs }: { chainId: number; logs: readonly ReadLog[] }
): Promise<void> {
  if (logs.length === 0) return
  const topics = logs.map(({ log }) => `{${log.topics.join(',')}}`) // hex only: the reader lets nothing else through
  await tx`
    insert into raw_logs (
      fact_id, chain_id, block_hash, block_number, transaction_hash, log_index, address, topics, data, reading, detail
    )
    select fact_id, ${chainId}, block_hash, block_number, transaction_hash, log_index, address, topics::text[], data, reading, detail
    from unnest(
      ${packed(
        tx,
        logs.map(read => read.fact_id)
      )}::uuid[],
      ${packed(
        tx,
        logs.map(({ log }) => log.block_hash)
      )},
      ${logs.map(({ log }) => log.block_number)}::bigint[],
      ${packed(
        tx,
        logs.map(({ log }) => log.transaction_hash)
      )},
      ${logs.map(({ log }) => log.log_index)}::bigint[],
      ${packed(
        tx,
        logs.map(({ log }) => log.address)
      )},
      ${packed(tx, topics)},
      ${packed(
        tx,
        logs.map(({ log }) => log.data)
      )},
      ${packed(
        tx,
        logs.map(read => read.reading)
      )},
      ${logs.map(read => ('detail' in read ? read.detail.replaceAll('\0', '') : null))}::text[]
    ) as given (fact_id, block_hash, block_number, transaction_hash, log_index, address, topics, data, reading, detail)
    on conflict (fact_id) do nothing`
}

/** Escrow to factory, for every escrow that is watched live, or those whose history a lane is still reading. */
export async function loadEscrows(sql: Sql, chainId: number, laneKey?: string): Promise<Map<string, string>> {
  const rows = await sql<{ escrow_address: string; factory_address: string }[]>`
    select escrow_address, factory_address from escrows
    where chain_id = ${chainId} and not gone and lane_key is not distinct from ${laneKey ?? null}`
  return new Map(rows.map(row => [row.escrow_address, row.factory_address]))
}

/** Watches deployed escrows; one whose deployment was reverted is watched again by the deployment that counts now. */
export async function watchEscrows(
  tx: Sql,
  { chainId, bodies, laneKey }: { chainId: number; bodies: readonly FactBody[]; laneKey?: string }
): Promise<void> {
  const deployed = new Map<string, FactBody>() // one row per address, or the statement would touch it twice
  for (const body of bodies) {
    if (body.event_type === 'EscrowDeployed' && !deployed.has(body.escrow_address))
      deployed.set(body.escrow_address, body)
  }
  if (deployed.size === 0) return
  const rows = [...deployed.values()]
  await tx`
    insert into escrows (chain_id, lane_key, escrow_address, factory_address, fact_id)
    select ${chainId}, ${laneKey ?? null}, * from unnest(
      ${rows.map(body => body.escrow_address)}::text[],
      ${rows.map(body => body.factory_address)}::text[],
      ${rows.map(body => body.fact_id)}::uuid[]
    )
    on conflict (chain_id, escrow_address) do update
    set gone = false, fact_id = excluded.fact_id, factory_address = excluded.factory_address, lane_key = excluded.lane_key
    where escrows.gone`
}

/** No longer watches escrows whose deployment was reverted. */
export async function unwatchEscrows(
  tx: Sql,
  { chainId, factIds }: { chainId: number; factIds: readonly string[] }
): Promise<void> {
  if (factIds.length === 0) return
  await tx`update escrows set gone = true where chain_id = ${chainId} and fact_id = any (${factIds}::uuid[])`
}

/** Notes whose logs are malformed; answers those met for the first time. */
export async function noteMalformed(
  tx: Sql,
  { chainId, logs }: { chainId: number; logs: readonly ReadLog[] }
): Promise<ReadLog[]> {
  const first = new Map<string, ReadLog>()
  for (const read of logs) {
    const key = `${read.log.address} ${read.log.topics[0] ?? ''}`
    if (read.reading === 'malformed' && !first.has(key)) first.set(key, read)
  }
  if (first.size === 0) return []
  const rows = [...first.values()]
  const fresh = await tx<{ first_fact_id: string }[]>`
    insert into malformed_sources (chain_id, address, topic0, first_fact_id)
    select ${chainId}, * from unnest(
      ${rows.map(({ log }) => log.address)}::text[],
      ${rows.map(({ log }) => log.topics[0] ?? '')}::text[],
      ${rows.map(read => read.fact_id)}::uuid[]
    )
    on conflict do nothing
    returning first_fact_id`
  const ids = new Set(fresh.map(row => row.first_fact_id))
  return rows.filter(read => ids.has(read.fact_id))
}
