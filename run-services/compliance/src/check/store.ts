import type { Sql } from '@fusion-prime/postgres'
import type { Facts } from './decide.ts'
import { JUST_BELOW_SHARE, type Jurisdiction, thresholdOf, WINDOW_HOURS } from './rules.ts'

/** Until the transaction ends, nothing is decided under this id or for this user: parallel checks see each other's payments. */
export async function lockCheck(sql: Sql, { check_id, user_id }: { check_id: string; user_id: string }): Promise<void> {
  await sql`
    select pg_advisory_xact_lock(hashtextextended(key, seed))
    from (values (1, ${check_id}::text, 2), (2, ${user_id}::text, 3)) as given (position, key, seed) order by position`
}

/** The user's payments within the window before a time, without the one that is asked about. A payment's checks count once, with the highest value. */
export async function findRecent(
  sql: Sql,
  query: { user_id: string; payment_ref: string; jurisdiction: Jurisdiction; at: Date }
): Promise<Facts['recent']> {
  const threshold = thresholdOf(query.jurisdiction)
  const [row] = await sql<[Facts['recent']]>`
    with payments as (
      select max(amount_usd) as usd from compliance_payments
      where user_id = ${query.user_id} and counts and payment_ref <> ${query.payment_ref}
        and decided_at > ${query.at}::timestamptz - make_interval(hours => ${WINDOW_HOURS}::int)
      group by payment_ref
    )
    select count(*)::text as payments, coalesce(trim_scale(sum(usd)), 0)::text as total_usd,
      (count(*) filter (where usd < ${threshold}::numeric and usd >= ${threshold}::numeric * ${JUST_BELOW_SHARE}::numeric))::text
        as just_below
    from payments`
  return row
}

/** Commands that came to nothing don't count any more; one that was never checked is nobody's payment. */
export async function discount(sql: Sql, checkIds: readonly string[]): Promise<void> {
  await sql`
    update compliance_payments set counts = false
    where check_id = any (${checkIds}::text[]) and counts`
}
