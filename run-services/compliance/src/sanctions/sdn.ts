/**
 * OFAC's list of Specially Designated Nationals as it is published: `sdn.csv`, twelve columns without a header, `-0-` for what is
 * empty; digital currency addresses and other names stand in the remarks.
 */

export type SdnEntry = {
  id: string
  name: string
  /** `individual`, `vessel`, `aircraft`, or empty for an organisation. */
  type: string
  programs: string[]
  addresses: { ticker: string; address: string }[]
  aliases: string[]
}

const COLUMNS = 12
/** A field in quotes, in which a quote is doubled, or one without. */
const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|$)/y

/** An apostrophe within a name isn't its end: `a.k.a. 'ABD'RABBAH'`. */
const alias = /[afn]\.k\.a\. '([^;]+?)'(?![\p{L}\p{N}])/gu

/** Reads one row; throws an Error that says why it is none. */
export function parseSdnRow(row: string): SdnEntry {
  const [id = '', name = '', type = '', programs = '', ...rest] = splitRow(row)
  if (rest.length + 4 !== COLUMNS || !/^[0-9]+$/.test(id) || name === '')
    throw new Error(`"${row.slice(0, 40)}" is not a row of sdn.csv: an id, a name and ten more columns`)
  const remarks = rest.at(-1) ?? ''
  return {
    id,
    name,
    type,
    programs: programs.split('] [').filter(Boolean),
    addresses: [...remarks.matchAll(/Digital Currency Address - (\S+) ([0-9A-Za-z]+)/g)].map(
      ([, ticker = '', address = '']) => ({ ticker, address })
    ),
    aliases: [...remarks.matchAll(alias)].map(([, name = '']) => name)
  }
}

function splitRow(row: string): string[] {
  const fields: string[] = []
  field.lastIndex = 0
  for (;;) {
    const [, quoted, bare = '', end] = field.exec(row) ?? []
    if (end === undefined) throw new Error(`"${row.slice(0, 40)}" is not a row of comma-separated values`)
    const value = (quoted?.replaceAll('""', '"') ?? bare).trim()
    fields.push(value === '-0-' ? '' : value)
    if (end === '') return fields
  }
}

/** Reads a whole file, each id once; throws an Error if any row isn't one. OFAC's own files end with the control character 1A. */
export function parseSdn(text: string): SdnEntry[] {
  const rows = text
    .replace(/^\ufeff/, '')
    .split(/[\r\n]+/)
    .filter(row => row !== '' && row !== '\u001a')
  return [...new Map(rows.map(parseSdnRow).map(entry => [entry.id, entry])).values()]
}

const LIST = 'OFAC SDN'

/** The text of a list file of our own with what an SDN file has. Ships and aircraft are no parties of payments, so their names are left out. */
export function convertSdn(text: string, { version, asOf }: { version: string; asOf: Date }): string {
  const entries = parseSdn(text)
  const named = entries.filter(({ type }) => type !== 'vessel' && type !== 'aircraft')
  return JSON.stringify({
    version,
    as_of: asOf.toISOString(),
    addresses: entries.flatMap(({ addresses }) =>
      addresses.map(({ ticker, address }) => ({ address, chain: ticker, list: LIST }))
    ),
    names: named.flatMap(({ name, aliases }) => [name, ...aliases].map(one => ({ name: one, list: LIST })))
  })
}
