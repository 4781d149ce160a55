import type { EscrowKey } from '@fusion-prime/escrow'
import type { OutgoingMessage } from '@fusion-prime/events'
import { appendOutbox, type Sql } from '@fusion-prime/postgres'
import type { Log } from '@fusion-prime/runtime'
import type { SanctionsSource } from '../sanctions/source.ts'
import { forgetMatches, newMatches } from './matches.ts'
import { isDue, judge, type Screening } from './screening.ts'
import { findScreenings, saveScreenings } from './store.ts'

export type ScreenDeps = { sanctions: SanctionsSource; now: () => Date; log: Log }

/** As screenAddresses, with what is to be announced put in the outbox. */
export async function screen(
  sql: Sql,
  given: ScreenDeps & { addresses: readonly string[]; escrows?: readonly EscrowKey[] }
): Promise<{ screened: number; matches: number }> {
  const { screened, messages } = await screenAddresses(sql, given)
  await appendOutbox(sql, messages)
  return { screened, matches: messages.length }
}

/**
 * Screens those of the addresses whose stored screening isn't the list's in force, in the caller's transaction. Answers what is
 * to be announced: an address that came onto a list, in all its escrows, and whoever is on it in the escrows that the caller writes.
 */
export async function screenAddresses(
  sql: Sql,
  {
    addresses,
    escrows = [],
    sanctions,
    now,
    log
  }: ScreenDeps & { addresses: readonly string[]; escrows?: readonly EscrowKey[] }
): Promise<{ screened: number; messages: OutgoingMessage[] }> {
  const distinct = [...new Set(addresses)]
  const list = sanctions.current()
  const before = new Map((await findScreenings(sql, distinct)).map(one => [one.address, one]))
  const screened_at = now()
  const due = distinct.filter(address => isDue(before.get(address), list))
  const screenings = due.map(address => ({ address, screened_at, ...judge(address, list) }))
  if (screenings.length > 0) await saveScreenings(sql, screenings)
  for (const { address, result, list: name, list_version } of screenings)
    if (result === 'match') log.error({ address, list: name, list_version }, 'sanctioned_address')

  // What stands may be the verdict of another instance with a newer list, which ours has waited for.
  const after = due.length > 0 ? await findScreenings(sql, distinct) : [...before.values()]
  const isMatch = (one: Screening | undefined) => one?.result === 'match'
  const matched = after.filter(isMatch)
  const came = matched.filter(one => !isMatch(before.get(one.address))).map(one => one.address)
  const cleared = after
    .filter(one => one.result === 'clear' && isMatch(before.get(one.address)))
    .map(one => one.address)
  if (cleared.length > 0) await forgetMatches(sql, cleared)
  const wanted = { addresses: came, escrows, at: screened_at, log }
  const messages = matched.length > 0 ? await newMatches(sql, wanted) : []
  return { screened: due.length, messages }
}
