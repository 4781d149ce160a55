import type { Sql } from '@fusion-prime/postgres'
import type { AccountNotice, DecisionNotice, NoticeKind, SanctionsNotice } from './notice.ts'

/** Keeps the newest of each kind per account, in whatever order they come. */
export async function saveAccountNotices(sql: Sql, notices: readonly AccountNotice[]): Promise<void> {
  if (notices.length === 0) return
  await sql`
    insert into account_notices as kept (account_ref, kind, value, event_id, occurred_at)
    select distinct on (account_ref, kind) account_ref, kind, value, event_id, occurred_at
    from jsonb_to_recordset(${JSON.stringify(notices)}::text::jsonb) as given (
      account_ref text, kind text, value text, event_id uuid, occurred_at timestamptz
    )
    order by account_ref, kind, occurred_at desc, event_id desc
    on conflict (account_ref, kind) do update
      set value = excluded.value, event_id = excluded.event_id, occurred_at = excluded.occurred_at
      where (kept.occurred_at, kept.event_id) < (excluded.occurred_at, excluded.event_id)`
}

export async function saveDecisionNotices(sql: Sql, decisions: readonly DecisionNotice[]): Promise<void> {
  if (decisions.length === 0) return
  await sql`
    insert into decision_notices (event_id, check_id, account_ref, status, reasons, escrow_address, occurred_at)
    select event_id, check_id, user_id, status, array(select jsonb_array_elements_text(reasons)), escrow_address, occurred_at
    from jsonb_to_recordset(${JSON.stringify(decisions)}::text::jsonb) as given (
      event_id uuid, check_id text, user_id text, status text, reasons jsonb, escrow_address text, occurred_at timestamptz
    )
    order by event_id
    on conflict (event_id) do nothing`
}

export async function saveSanctionsNotices(sql: Sql, matches: readonly SanctionsNotice[]): Promise<void> {
  if (matches.length === 0) return
  await sql`
    insert into sanctions_notices (event_id, chain_id, escrow_address, address, role, list, list_version, occurred_at)
    select * from jsonb_to_recordset(${JSON.stringify(matches)}::text::jsonb) as given (
      event_id uuid, chain_id bigint, escrow_address text, address text, role text, list text, list_version text, occurred_at timestamptz
    )
    order by event_id
    on conflict (event_id) do nothing`
}

type Latest = { kind: NoticeKind; value: string; occurred_at: Date }

export const findAccountNotices = (sql: Sql, account: string): Promise<Latest[]> => sql<Latest[]>`
  select kind, value, occurred_at from account_notices where account_ref = ${account}`

type Decided = Pick<DecisionNotice, 'check_id' | 'status' | 'reasons' | 'escrow_address'> & { occurred_at: Date }

/** The newest compliance decisions about an account. */
export const findDecisionNotices = (
  sql: Sql,
  { account, limit }: { account: string; limit: number }
): Promise<Decided[]> =>
  sql<Decided[]>`
  select check_id, status, reasons, escrow_address, occurred_at from decision_notices
  where account_ref = ${account} order by occurred_at desc, event_id limit ${limit}`

type Matched = Omit<SanctionsNotice, 'chain_id' | 'occurred_at'> & { chain_id: string; occurred_at: Date }

/** The newest matches of the account itself and of any party of an escrow that it gave a command about. */
export const findSanctionsNotices = (
  sql: Sql,
  { account, limit }: { account: string; limit: number }
): Promise<Matched[]> =>
  sql<Matched[]>`
  select chain_id, escrow_address, address, role, list, list_version, occurred_at
  from (
    select * from sanctions_notices where address = lower(${account})
    union -- of two searches by an index each, where an "or" would read the whole table
    select * from sanctions_notices as notice where exists (
      select from settlement_commands as command
      where command.account_ref = ${account} and command.chain_id = notice.chain_id and command.escrow_address = notice.escrow_address
    )
  ) as matches
  order by occurred_at desc, event_id limit ${limit}`
