import { hash } from 'node:crypto'
import canonicalize from 'canonicalize'

/** What the first decision follows. */
export const GENESIS = '0'.repeat(64)

/** The one text of a JSON value (RFC 8785). */
export function canonical(value: object): string {
  const text = canonicalize(value)
  if (text === undefined) throw new Error('only a JSON value has a canonical text')
  return text
}

/** The hash of a decision that follows another: over the previous hash and the decision's canonical text, nothing between. */
export const linkHash = (prev_hash: string, decision: object): string => hash('sha256', prev_hash + canonical(decision))

/** The UTC day of a time. */
export const dayOf = (time: Date): string => time.toISOString().slice(0, 10)
