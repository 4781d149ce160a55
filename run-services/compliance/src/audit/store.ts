import type { Sql } from '@fusion-prime/postgres'
import { canonical } from './chain.ts'
import type { Decision, Link } from './decision.ts'

export type Head = { count: number; hash: string }

/** bigint columns come as text; counts are safe integers. */
type StoredLink = Omit<Link, 'position'> & { position: string }

const fromRow = ({ position, ...rest }: StoredLink): Link => ({ ...rest, position: Number(position) })

/** The payment that a decision is about, for the limits of a day. */
export type Payment = { user_id: string; payment_ref: string; amount_usd: string | null; counts: boolean }

/**
 * Appends a decision to the chain, and its payment. The head is locked from here to the end of the transaction, so this is the last
 * statement before it. Answers the day that ended with the decision before, if one did.
 */
export async function appendDecision(
  sql: Sql,
  { decision, payment, day }: { decision: Decision; payment: Payment; day: string }
): Promise<{ ended: (Head & { day: string }) | undefined }> {
  const text = canonical(decision)
  const { check_id, decided_at } = decision
  // The right-hand sides see the row as it was.
  const [head] = await sql<{ count: string; prev_hash: string; prev_day: string | null; is_new_day: boolean }[]>`
    with head as (
      update audit_head set
        count = count + 1, prev_hash = hash, hash = encode(sha256(convert_to(hash || ${text}::text, 'UTF8')), 'hex'),
        prev_day = day, day = greatest(day, ${day}::date)
      returning *
    ), link as (
      insert into compliance_checks (check_id, position, decision, prev_hash, hash)
      select ${check_id}, count, ${text}::text::jsonb, prev_hash, hash from head
    ), payment as (
      insert into compliance_payments (check_id, position, user_id, payment_ref, amount_usd, decided_at, counts)
      select ${check_id}, count, ${payment.user_id}, ${payment.payment_ref}, ${payment.amount_usd}::numeric, ${decided_at}::timestamptz,
        ${payment.counts}::boolean
      from head
    )
    select count, prev_hash, prev_day::text, prev_day < day as is_new_day from head`
  if (!head) throw new Error('the head of the decisions’ chain is missing: restore the row of audit_head')
  if (!head.is_new_day || head.prev_day === null) return { ended: undefined }
  return { ended: { day: head.prev_day, count: Number(head.count) - 1, hash: head.prev_hash } }
}

export async function findLink(sql: Sql, check_id: string): Promise<Link | undefined> {
  const [row] = await sql<StoredLink[]>`
    select check_id, position, decision, prev_hash, hash from compliance_checks where check_id = ${check_id}`
  return row && fromRow(row)
}

/** The next links after a position, in order. */
export async function nextLinks(sql: Sql, { after, limit }: { after: number; limit: number }): Promise<Link[]> {
  const rows = await sql<StoredLink[]>`
    select check_id, position, decision, prev_hash, hash from compliance_checks
    where position > ${after} order by position limit ${limit}`
  return rows.map(fromRow)
}

/** The check that had a position, as the payments remember it. */
export async function checkAt(sql: Sql, position: number): Promise<string | null> {
  const [row] = await sql<{ check_id: string }[]>`
    select check_id from compliance_payments where position = ${position}`
  return row?.check_id ?? null
}

export async function readHead(sql: Sql): Promise<(Head & { day: string | null }) | undefined> {
  const [row] = await sql<
    { count: string; hash: string; day: string | null }[]
  >`select count, hash, day::text from audit_head`
  return row && { ...row, count: Number(row.count) }
}

/** As readHead; nothing is decided until the transaction ends. */
export async function lockHead(sql: Sql): Promise<(Head & { day: string | null }) | undefined> {
  await sql`select from audit_head for update`
  return readHead(sql)
}

export async function readDays(sql: Sql): Promise<(Head & { day: string })[]> {
  const rows = await sql<{ day: string; count: string; hash: string }[]>`
    select day::text, count, hash from audit_days order by day`
  return rows.map(row => ({ ...row, count: Number(row.count) }))
}

/** Whether the day was not there yet. */
export async function saveDay(sql: Sql, { day, count, hash }: Head & { day: string }): Promise<boolean> {
  const saved = await sql`
    insert into audit_days (day, count, hash) values (${day}::date, ${count}, ${hash}) on conflict (day) do nothing`
  return saved.count === 1
}
