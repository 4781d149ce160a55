import type { Sql } from '@fusion-prime/postgres'
import type { Log } from '@fusion-prime/runtime'
import type { SanctionsList } from '../sanctions/list.ts'
import type { FindName } from '../sanctions/names.ts'
import { entryKey, mayMove } from './kyc.ts'
import { type Act, move } from './move.ts'
import { type Identity, type KnownCase, saveScreening } from './store.ts'

/** Whether a list must screen a name: neither it nor a newer one did. */
export const isNameDue = ({ screened_by, screened_as_of }: Identity, list: SanctionsList): boolean =>
  screened_by !== list.sha256 && (screened_as_of === null || screened_as_of <= list.asOf)

/** Reason of the transition. */
export const LOOKS_LISTED = 'the name is like an entry of a sanctions list'

export type ScreenNameDeps = { findName: FindName; log: Log }

/**
 * Screens the name of a case, whose user is locked, by a list that didn't do it yet. A name that is like an entry, which no operator
 * has dismissed, puts the case into review; it is never verified silently.
 */
export async function screenName(
  sql: Sql,
  known: KnownCase,
  { findName, log, list, act }: ScreenNameDeps & { list: SanctionsList; act: Act }
): Promise<KnownCase> {
  const { case_id, identity } = known
  if (!identity || !isNameDue(identity, list)) return known
  const match = findName(list, identity) ?? null
  const screened: Identity = { ...identity, screened_by: list.sha256, screened_as_of: list.asOf, match }
  await saveScreening(sql, { case_id, ...screened })
  const after = { ...known, identity: screened }
  if (!match) return after
  if (!identity.match) log.error({ case_id, list: match.list, list_version: list.version }, 'sanctioned_name')
  return mayMove(known.status, 'review') ? move(sql, after, { to: 'review', reason: LOOKS_LISTED, act }) : after
}

/**
 * Who verifies a case in review says that the match is somebody else: the entry that was seen there is dismissed, and the one that the
 * name is like next takes its place.
 */
export async function dismissSeen(
  sql: Sql,
  { before, screened }: { before: KnownCase; screened: KnownCase },
  { findName, list }: Pick<ScreenNameDeps, 'findName'> & { list: SanctionsList }
): Promise<KnownCase> {
  const { case_id, identity } = screened
  const seen = before.status === 'review' ? before.identity?.match : null
  if (!seen || !identity?.match || entryKey(seen) !== entryKey(identity.match)) return screened
  const dismissed = [...identity.dismissed, entryKey(seen)]
  const left = { ...identity, dismissed, match: findName(list, { ...identity, dismissed }) ?? null }
  await saveScreening(sql, { case_id, ...left })
  return { ...screened, identity: left }
}
