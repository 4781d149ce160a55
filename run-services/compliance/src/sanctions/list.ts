import { hash } from 'node:crypto'
import { parseJsonObject, UtcTime } from '@fusion-prime/events'
import canonicalize from 'canonicalize'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'

const Text = Type.String({ minLength: 1, pattern: '\\S' })
const ListFile = Type.Object({
  version: Text,
  as_of: UtcTime,
  addresses: Type.Array(Type.Object({ address: Text, chain: Text, list: Text })),
  names: Type.Array(Type.Object({ name: Text, list: Text }))
})
const validator = Compile(ListFile)

/** The sanctions lists of one file. */
export type SanctionsList = {
  version: string
  /** Of the version and all entries: two lists with the same one judge alike. */
  sha256: string
  asOf: Date
  /** Name of the list by address: EVM addresses in lower case, others in their own. */
  addresses: ReadonlyMap<string, string>
  names: readonly { name: string; list: string }[]
}

/** Reads a file of lists; throws an Error that says what is wrong. A file without any entry is broken, not an empty list. */
export function parseSanctionsList(text: string): SanctionsList {
  const file = parseFile(text)
  if (file.addresses.length + file.names.length === 0) throw new Error('the file has no entries')
  const addresses = new Map<string, string>()
  for (const { address, list } of file.addresses) {
    const key = addressKey(address.trim())
    if (!addresses.has(key)) addresses.set(key, list)
  }
  const names = file.names.map(({ name, list }) => ({ name, list }))
  return createList({ version: file.version, asOf: new Date(file.as_of), addresses, names })
}

/** A list from its entries, in the order that they have. */
export function createList(entries: Omit<SanctionsList, 'sha256'>): SanctionsList {
  const { version, addresses, names } = entries
  return { ...entries, sha256: hash('sha256', canonicalize({ version, addresses: [...addresses], names }) ?? '') }
}

function parseFile(text: string): Static<typeof ListFile> {
  const parsed = parseJsonObject(text)
  if ('fault' in parsed) throw new Error(`the file can’t be used: ${parsed.detail}`)
  const file = parsed.value
  if (validator.Check(file)) return file
  const [first] = validator.Errors(file)
  throw new Error(
    `the file is not a list of sanctions: ${first?.instancePath || '/'} ${first?.message ?? 'is not valid'}`
  )
}

/** Without a prefix is how lists have them; with it is how wallets show them. */
const bitcoinCash = /^(?:bitcoincash:)?([qp][02-9ac-hj-np-z]{41})$/i

/**
 * What an address is found by. An EVM address is the same party on every EVM chain, however its letters are written, in a list also
 * without its 0x, and bech32 may be written in capitals; in base58 the case has a meaning.
 */
export function addressKey(address: string): string {
  const [, cash] = bitcoinCash.exec(address) ?? []
  if (cash !== undefined) return cash.toLowerCase()
  if (/^[0-9a-f]{40}$/i.test(address)) return `0x${address.toLowerCase()}`
  return /^0x[0-9a-f]{40}$/i.test(address) || /^(BC|TB|LTC)1[02-9AC-HJ-NP-Z]+$/.test(address)
    ? address.toLowerCase()
    : address
}

/** More than an hour ahead of our clock is no date that a list can have. */
const CLOCK_SKEW_MS = 3_600_000

/** Why a list may not be used at this time; undefined if it may. */
export function unusable(
  list: SanctionsList,
  { now, maxAgeHours }: { now: Date; maxAgeHours: number }
): string | undefined {
  const age = now.getTime() - list.asOf.getTime()
  if (age > maxAgeHours * 3_600_000) return `the list is older than ${maxAgeHours} h`
  return age < -CLOCK_SKEW_MS ? 'the list is dated in the future' : undefined
}

/** Smaller lists may change by any factor. */
const MIN_COUNTED = 100

/**
 * Whether a list lost more than half of the one before: a cut file is likelier than that many pardons. Addresses and names count
 * apart as well: there are so many names that all addresses could go unnoticed.
 */
export function hasShrunk(list: SanctionsList, before: SanctionsList): boolean {
  const sizes = ({ addresses, names }: SanctionsList) => [addresses.size, names.length, addresses.size + names.length]
  const left = sizes(list)
  return sizes(before).some((size, kind) => size >= MIN_COUNTED && (left[kind] ?? 0) * 2 < size)
}
