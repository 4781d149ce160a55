import type { Sql } from '@fusion-prime/postgres'

/** Who may write for a chain. The epoch is the fencing token: it rises whenever the lease changes hands. */
export type Lease = { chainId: number; holder: string; epoch: string; seconds: number }

/** Another relayer took the lease while this one was frozen or slow; nothing that this one tried is kept. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost'
}

/** Takes or renews the lease; undefined while another holder's stands. */
export async function takeLease(
  sql: Sql,
  { chainId, holder, seconds }: { chainId: number; holder: string; seconds: number }
): Promise<Lease | undefined> {
  const [row] = await sql<{ epoch: string }[]>`
    insert into leases as held (chain_id, holder, epoch, expires_at)
    values (${chainId}, ${holder}, 1, relayer_now() + make_interval(secs => ${seconds}))
    on conflict (chain_id) do update set
      epoch = held.epoch + case when held.holder = excluded.holder then 0 else 1 end,
      holder = excluded.holder, expires_at = excluded.expires_at
    where held.holder = excluded.holder or held.expires_at <= relayer_now()
    returning epoch`
  return row && { chainId, holder, epoch: row.epoch, seconds }
}

/**
 * Renews the lease in the caller's transaction and locks it until its end, so that nobody can take it before the write is committed.
 * A process that is frozen in between must not hold that lock for longer than the lease: the server ends its transaction then.
 */
export async function fence(tx: Sql, { chainId, holder, epoch, seconds }: Lease): Promise<void> {
  const renewed = await tx`
    with renewed as (
      update leases set expires_at = relayer_now() + make_interval(secs => ${seconds})
      where chain_id = ${chainId} and holder = ${holder} and epoch = ${epoch}
      returning 1
    )
    select set_config('idle_in_transaction_session_timeout', ${`${seconds}s`}, true) from renewed`
  if (renewed.length === 0) {
    throw new LeaseLost(`the lease of chain ${chainId} was taken by another relayer after epoch ${epoch}`)
  }
}

/** Lets the next relayer begin at once. */
export async function releaseLease(sql: Sql, { chainId, holder }: Pick<Lease, 'chainId' | 'holder'>): Promise<void> {
  await sql`
    update leases set expires_at = relayer_now()
    where chain_id = ${chainId} and holder = ${holder} and expires_at > relayer_now()`
}

export type LeaseStatus = { holder: string; epoch: number; expires_in_seconds: number }

export async function readLease(sql: Sql, chainId: number): Promise<LeaseStatus | undefined> {
  const [row] = await sql<LeaseStatus[]>`
    select holder, epoch::float8 as epoch, extract(epoch from expires_at - relayer_now())::float8 as expires_in_seconds
    from leases where chain_id = ${chainId}`
  return row
}
