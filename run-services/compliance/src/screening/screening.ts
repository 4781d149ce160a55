import type { SanctionsList } from '../sanctions/list.ts'

/** What the lists say of an address. `unknown`: there was no list that could be used. */
export type Verdict =
  | { result: 'clear'; list: null; list_version: string; list_as_of: Date; list_sha256: string | null }
  | { result: 'match'; list: string; list_version: string; list_as_of: Date; list_sha256: string | null }
  | { result: 'unknown'; list: null; list_version: null; list_as_of: null; list_sha256: null }

/** An address (lower case) and its last verdict. */
export type Screening = { address: string; screened_at: Date } & Verdict

/** Without a list nobody is clear. */
export function judge(address: string, list: SanctionsList | undefined): Verdict {
  if (!list) return { result: 'unknown', list: null, list_version: null, list_as_of: null, list_sha256: null }
  const source = { list_version: list.version, list_as_of: list.asOf, list_sha256: list.sha256 }
  const match = list.addresses.get(address)
  return match === undefined ? { result: 'clear', list: null, ...source } : { result: 'match', list: match, ...source }
}

/**
 * Whether an address must be screened (again): it never was, or by another list. A match isn't forgotten for want of a list,
 * and a newer list's verdict (another instance had it) not replaced by an older one's.
 */
export function isDue(screening: Screening | undefined, list: SanctionsList | undefined): boolean {
  if (!screening || screening.result === 'unknown') return true
  if (!list) return screening.result === 'clear'
  return screening.list_sha256 !== list.sha256 && screening.list_as_of <= list.asOf
}
