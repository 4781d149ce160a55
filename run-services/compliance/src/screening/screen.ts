import type { Sql } from '@fusion-prime/postgres'
import type { Log } from '@fusion-prime/runtime'
import type { SanctionsSource } from '../sanctions/source.ts'
import { isDue, judge } from './screening.ts'
import { findScreenings, saveScreenings } from './store.ts'

export type ScreenDeps = { sanctions: SanctionsSource; now: () => Date; log: Log }

/** Screens those of the addresses whose stored screening isn't the list's in force. */
export async function screen(
  sql: Sql,
  { addresses, sanctions, now, log }: ScreenDeps & { addresses: readonly string[] }
): Promise<void> {
  const distinct = [...new Set(addresses)]
  const list = sanctions.current()
  const stored = new Map((await findScreenings(sql, distinct)).map(one => [one.address, one]))
  const screened_at = now()
  const screenings = distinct
    .filter(address => isDue(stored.get(address), list))
    .map(address => ({ address, screened_at, ...judge(address, list) }))
  if (screenings.length === 0) return
  await saveScreenings(sql, screenings)
  for (const { address, result, list: name, list_version } of screenings)
    if (result === 'match') log.error({ address, list: name, list_version }, 'sanctioned_address')
}
