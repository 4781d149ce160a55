import type { Sql } from '@fusion-prime/postgres'
import type { KycStatus, NameMatch } from './kyc.ts'

export type KycCase = {
  case_id: string
  user_id: string
  status: KycStatus
  verified_at: Date | null
  /** Number of its transitions. */
  transitions: number
  created_at: Date
  updated_at: Date
}

export type Identity = {
  full_name: string
  country: string
  /** sha256 of the list that screened the name last. */
  screened_by: string | null
  /** When that list was made. */
  screened_as_of: Date | null
  match: NameMatch | null
  dismissed: string[]
}

/** Undefined identity: it was erased. */
export type KnownCase = KycCase & { identity: Identity | undefined }

export type Transition = {
  n: number
  from_status: KycStatus | null
  to_status: KycStatus
  reason: string | null
  actor: string
  at: Date
}

type IdentityRow = Omit<Identity, 'match' | 'full_name'> & {
  full_name: string | null
  match_list: string
  match_name: string | null
  match_score: number
}

const columns = (sql: Sql) => sql`
  kyc_cases.case_id, user_id, status, verified_at, transitions, created_at, updated_at,
  full_name, country, screened_by, screened_as_of, match_list, match_name, match_score, dismissed`

function fromRow(row: KycCase & IdentityRow): KnownCase {
  const { full_name, country, screened_by, screened_as_of, match_list, match_name, match_score, dismissed, ...rest } =
    row
  if (full_name === null) return { ...rest, identity: undefined }
  const match = match_name === null ? null : { name: match_name, list: match_list, score: match_score }
  return { ...rest, identity: { full_name, country, screened_by, screened_as_of, match, dismissed } }
}

/** Until the transaction ends, no other one changes this user's cases. */
export async function lockUser(sql: Sql, user_id: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${user_id}, 1))`
}

export async function findCase(sql: Sql, case_id: string): Promise<KnownCase | undefined> {
  const [row] = await sql<(KycCase & IdentityRow)[]>`
    select ${columns(sql)} from kyc_cases left join kyc_identities using (case_id) where kyc_cases.case_id = ${case_id}::uuid`
  return row && fromRow(row)
}

/** The newest case of each user, by user. */
export async function findNewestCases(sql: Sql, userIds: readonly string[]): Promise<Map<string, KnownCase>> {
  const rows = await sql<(KycCase & IdentityRow)[]>`
    select distinct on (user_id) ${columns(sql)} from kyc_cases left join kyc_identities using (case_id)
    where user_id = any (${userIds}::text[])
    order by user_id, seq desc`
  return new Map(rows.map(row => [row.user_id, fromRow(row)]))
}

/** Cases whose names neither this list nor a newer one has screened yet. */
export async function findUnscreened(
  sql: Sql,
  { sha256, asOf, limit }: { sha256: string; asOf: Date; limit: number }
): Promise<string[]> {
  const rows = await sql<{ case_id: string }[]>`
    select case_id from kyc_identities
    where screened_by is null or ((screened_by < ${sha256} or screened_by > ${sha256}) and screened_as_of <= ${asOf})
    limit ${limit}`
  return rows.map(row => row.case_id)
}

/** Verified cases whose verification is older than a time. */
export async function findVerifiedBefore(sql: Sql, { time, limit }: { time: Date; limit: number }): Promise<string[]> {
  const rows = await sql<{ case_id: string }[]>`
    select case_id from kyc_cases where status = 'verified' and verified_at < ${time} limit ${limit}`
  return rows.map(row => row.case_id)
}

export async function findTransitions(sql: Sql, case_id: string): Promise<Transition[]> {
  return sql<Transition[]>`
    select n, from_status, to_status, reason, actor, at from kyc_transitions where case_id = ${case_id}::uuid order by n`
}

export async function insertCase(sql: Sql, { identity, ...row }: KnownCase & { identity: Identity }): Promise<void> {
  await sql`
    insert into kyc_cases (case_id, user_id, status, verified_at, transitions, created_at, updated_at)
    values (${row.case_id}, ${row.user_id}, ${row.status}, ${row.verified_at}, ${row.transitions}, ${row.created_at}, ${row.updated_at})`
  await sql`
    insert into kyc_identities (case_id, full_name, country) values (${row.case_id}, ${identity.full_name}, ${identity.country})`
}

export async function saveCase(sql: Sql, row: KycCase): Promise<void> {
  await sql`
    update kyc_cases set
      status = ${row.status}, verified_at = ${row.verified_at}, transitions = ${row.transitions}, updated_at = ${row.updated_at}
    where case_id = ${row.case_id}`
}

export async function saveScreening(sql: Sql, { case_id, ...found }: Identity & { case_id: string }): Promise<void> {
  await sql`
    update kyc_identities set
      screened_by = ${found.screened_by}, screened_as_of = ${found.screened_as_of}, match_list = ${found.match?.list ?? null}, match_name = ${found.match?.name ?? null},
      match_score = ${found.match?.score ?? null}, dismissed = ${found.dismissed}::text[]
    where case_id = ${case_id}`
}

export async function appendTransition(sql: Sql, row: Transition & { case_id: string }): Promise<void> {
  await sql`
    insert into kyc_transitions (case_id, n, from_status, to_status, reason, actor, at)
    values (${row.case_id}, ${row.n}, ${row.from_status}, ${row.to_status}, ${row.reason}, ${row.actor}, ${row.at})`
}

/** Removes all personal data of a case, and what operators wrote about it. */
export async function eraseIdentity(sql: Sql, case_id: string): Promise<void> {
  await sql`delete from kyc_identities where case_id = ${case_id}`
  await sql`update kyc_transitions set reason = null where case_id = ${case_id}`
}
