import { randomUUID } from 'node:crypto'
import { HttpProblem } from '@fusion-prime/http'
import { type Sql, transaction } from '@fusion-prime/postgres'
import type { SanctionsList } from '../sanctions/list.ts'
import type { SanctionsSource } from '../sanctions/source.ts'
import { daysBefore, hasEnded, mayMove, statusAt } from './kyc.ts'
import { type Act, type Move, move, recordMove } from './move.ts'
import { dismissSeen, isNameDue, LOOKS_LISTED, type ScreenNameDeps, screenName } from './screen-name.ts'
import {
  eraseIdentity,
  findCase,
  findNewestCases,
  findTransitions,
  findVerifiedBefore,
  insertCase,
  type KnownCase,
  lockUser
} from './store.ts'

export type KycDeps = ScreenNameDeps & { sql: Sql; sanctions: SanctionsSource; kycValidDays: number }

export type Application = { user_id: string; full_name: string; country: string }

/** Opens a case and screens its name. While a user's case is open the same application gives that case, another one is refused. */
export async function openCase(deps: KycDeps, application: Application, act: Act): Promise<KnownCase> {
  const { user_id, full_name, country } = application
  return transaction(deps.sql, async tx => {
    await lockUser(tx, user_id)
    const newest = (await findNewestCases(tx, [user_id])).get(user_id)
    const before = newest && (await expireIfOver(tx, newest, { ...deps, act }))
    if (before && !hasEnded(before.status)) {
      const same = before.identity?.full_name === full_name && before.identity.country === country
      if (same) return before
      throw new HttpProblem(409, `user ${user_id} has an open case with other particulars: ${before.case_id}`)
    }
    const opened = {
      case_id: randomUUID(),
      user_id,
      status: 'created' as const,
      verified_at: null,
      transitions: 1,
      created_at: act.at,
      updated_at: act.at,
      identity: { full_name, country, screened_by: null, screened_as_of: null, match: null, dismissed: [] }
    }
    await insertCase(tx, opened)
    await recordMove(tx, opened, { from: null, reason: null, act })
    const list = deps.sanctions.current()
    return list ? screenName(tx, opened, { ...deps, list, act: compliance(act) }) : opened
  })
}

type Moved = { moved: KnownCase; problem?: HttpProblem }

/**
 * Moves a case; the same move again gives the same answer. Verifying screens the name by the list in force: a match puts the case into
 * review instead, and there verifying says that an operator found the match to be somebody else.
 */
export async function moveCase(deps: KycDeps, { case_id, to, reason }: Move & { case_id: string }, act: Act) {
  const { moved, problem } = await transaction<Moved>(deps.sql, async tx => {
    const known = await expireIfOver(tx, await lockCase(tx, case_id), { ...deps, act })
    const { status, user_id } = known
    if (status === to && (await findTransitions(tx, case_id)).at(-1)?.reason === reason) return { moved: known }
    const refuse = (problem: string) => ({ moved: known, problem: new HttpProblem(409, problem) })
    if (!mayMove(status, to)) return refuse(`a case can’t go from ${status} to ${to}`)
    if (!known.identity) return refuse(`the identity of case ${case_id} was erased: open another case`)
    if (hasEnded(status) && (await findNewestCases(tx, [user_id])).get(user_id)?.case_id !== known.case_id)
      return refuse(`user ${user_id} has a newer case`)
    if (to === 'verified') return verify(tx, known, { deps, reason, act })
    return { moved: await move(tx, known, { to, reason, act }) }
  })
  if (problem) throw problem
  return moved
}

/** Only with a name that the list in force has screened, and that is like none of its entries but those looked at in review. */
async function verify(
  tx: Sql,
  known: KnownCase,
  { deps, reason, act }: { deps: KycDeps; reason: string | null; act: Act }
): Promise<Moved> {
  const list = deps.sanctions.current()
  if (!list) throw new HttpProblem(503, 'no list of sanctions is in force, so the name can’t be screened: try again')
  const screened = await screenName(tx, known, { ...deps, list, act: compliance(act) })
  const left = await dismissSeen(tx, { before: known, screened }, { ...deps, list })
  const match = left.identity?.match
  if (!match) return { moved: await move(tx, left, { to: 'verified', reason, act }) }
  const review = { to: 'review' as const, reason: LOOKS_LISTED, act: compliance(act) }
  const problem = `the name is like an entry of ${match.list}: the case is in review; verify it there if that is somebody else`
  const moved = left.status === 'review' ? left : await move(tx, left, review)
  return { moved, problem: new HttpProblem(409, problem) }
}

/** Removes the personal data of a case. Who has no name can't be screened: the case expires. Again it changes nothing. */
export async function eraseCase(deps: KycDeps, case_id: string, act: Act): Promise<KnownCase> {
  return transaction(deps.sql, async tx => {
    const known = await lockCase(tx, case_id)
    await eraseIdentity(tx, case_id)
    const erased = { ...known, identity: undefined }
    return mayMove(known.status, 'expired') ? move(tx, erased, { to: 'expired', reason: null, act }) : erased
  })
}

/** Screens the names of users that the list in force didn't screen yet. */
export async function screenUsers(
  deps: KycDeps,
  { userIds, list, act }: { userIds: readonly string[]; list: SanctionsList; act: Act }
): Promise<void> {
  for (const { case_id, identity } of (await findNewestCases(deps.sql, userIds)).values())
    if (identity && isNameDue(identity, list)) await screenCase(deps, { case_id, list, act })
}

/** Screens the name of a case if it is due, in a transaction of its own; answers whether it was, and is like an entry as it wasn't before. */
export async function screenCase(
  deps: KycDeps,
  { case_id, list, act }: { case_id: string; list: SanctionsList; act: Act }
): Promise<{ screened: boolean; found: boolean }> {
  return transaction(deps.sql, async tx => {
    const known = await lockCase(tx, case_id)
    const after = await screenName(tx, known, { ...deps, list, act: compliance(act) })
    return { screened: after !== known, found: Boolean(after.identity?.match && !known.identity?.match) }
  })
}

/** Writes down that verifications are over, so that it is announced; answers how many, at most 100. */
export async function expireCases(deps: KycDeps, act: Act): Promise<number> {
  const time = daysBefore(act.at, deps.kycValidDays)
  const caseIds = await findVerifiedBefore(deps.sql, { time, limit: 100 })
  for (const case_id of caseIds)
    await transaction(deps.sql, async tx => expireIfOver(tx, await lockCase(tx, case_id), { ...deps, act }))
  return caseIds.length
}

/** The case, with its user locked. */
async function lockCase(sql: Sql, case_id: string): Promise<KnownCase> {
  const found = await findCase(sql, case_id)
  if (found) await lockUser(sql, found.user_id)
  const known = found && (await findCase(sql, case_id))
  if (!known) throw new HttpProblem(404, `there is no KYC case ${case_id}`)
  return known
}

/** What happened by time alone is written down before anything else happens. */
async function expireIfOver(
  sql: Sql,
  known: KnownCase,
  { kycValidDays, act }: { kycValidDays: number; act: Act }
): Promise<KnownCase> {
  const status = statusAt(known, { now: act.at, validDays: kycValidDays })
  if (status === known.status) return known
  return move(sql, known, {
    to: status,
    reason: `verified more than ${kycValidDays} days ago`,
    act: compliance(act)
  })
}

/** The service itself acts. */
const compliance = (act: Act): Act => ({ ...act, actor: 'compliance' })
