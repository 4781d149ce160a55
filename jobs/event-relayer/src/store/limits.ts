import type { Sql } from '@fusion-prime/postgres'

/** What was learned of providers' limits, by key; kept across runs. */
export async function loadLimits<Limits>(sql: Sql, chainId: number): Promise<Map<string, Limits>> {
  const rows = await sql<{ provider_key: string; limits: Limits }[]>`
    select provider_key, limits from provider_limits where chain_id = ${chainId}`
  return new Map(rows.map(row => [row.provider_key, row.limits]))
}

export async function saveLimits(
  sql: Sql,
  { chainId, key, limits }: { chainId: number; key: string; limits: object }
): Promise<void> {
  await sql`
    insert into provider_limits (chain_id, provider_key, limits)
    values (${chainId}, ${key}, ${JSON.stringify(limits)}::text::jsonb)
    on conflict (chain_id, provider_key) do update set limits = excluded.limits, updated_at = now()`
}
