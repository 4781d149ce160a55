import type { NameMatch } from '../kyc/kyc.ts'
import type { SanctionsList } from './list.ts'

/** Finds the entry that a name is most like, if it is alike enough; but for entries that were dismissed, by their keys. */
export type NameIndex = { find(fullName: string, dismissed?: readonly string[]): NameMatch | undefined }
type CreateNameIndex = (names: SanctionsList['names']) => NameIndex

/** Screens a name. */
export type FindName = (
  list: SanctionsList,
  of: { full_name: string; dismissed: readonly string[] }
) => NameMatch | undefined

/** Builds a list's index when it is first needed, and keeps the last one: one list is in force at a time. */
export function createFindName(createIndex: CreateNameIndex): FindName {
  let last: { sha256: string; index: NameIndex } | undefined
  return ({ sha256, names }, { full_name, dismissed }) => {
    if (last?.sha256 !== sha256) last = { sha256, index: createIndex(names) }
    return last.index.find(full_name, dismissed)
  }
}
