import type { RangeFault } from '@fusion-prime/operations'
import type { Static } from 'typebox'

export type Fault = Static<typeof RangeFault>

type Row = { escrow_address: string }
type Fields = Readonly<Record<string, unknown>>

/** Rows as the facts give them against rows as they are; `key` tells which are to be the same. */
export function compareRows<Expected extends Row>({
  what,
  expected,
  actual,
  key,
  name
}: {
  what: Fault['what']
  expected: readonly Expected[]
  actual: readonly Expected[]
  key(row: Expected): string
  /** What a fault calls the row. */
  name(row: Expected): string
}): Fault[] {
  const held = new Map(actual.map(row => [key(row), row]))
  const wanted = new Set(expected.map(key))
  const fault = (kind: Fault['kind'], row: Expected, detail = name(row)): Fault => ({
    kind,
    what,
    escrow_address: row.escrow_address,
    detail
  })
  const found = expected.flatMap(row => {
    const there = held.get(key(row))
    if (!there) return [fault('missing', row)]
    const different = differing(there, row)
    return different ? [fault('altered', row, `${name(row)}: ${different}`)] : []
  })
  return [...found, ...actual.filter(row => !wanted.has(key(row))).map(row => fault('extra', row))]
}

/** The fields in which a row isn't what it should be; undefined where it is. */
function differing(actual: Fields, expected: Fields): string | undefined {
  const different = Object.keys(expected).filter(field => text(actual[field]) !== text(expected[field]))
  if (different.length === 0) return undefined
  return different
    .map(field => `${field} is ${text(actual[field])}, the facts give ${text(expected[field])}`)
    .join('; ')
}

const text = (value: unknown): string => JSON.stringify(value ?? null)
