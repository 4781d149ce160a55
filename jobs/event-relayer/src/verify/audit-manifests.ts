import { hash } from 'node:crypto'
import type { Header } from '../chain.ts'
import { type Difference, differing, NOTHING } from './difference.ts'
import type { StoredManifest } from './stored-manifests.ts'

/** One range of the chain, with the ids of the facts that were to be published, in any order, by block. */
export type AuditedRange = {
  headers: readonly Header[]
  facts: readonly { block_number: number; fact_id: string }[]
  manifests: readonly StoredManifest[]
}

export type ManifestAudit = {
  /** Ranges must be given in order, without a gap. */
  add(range: AuditedRange): Difference[]
  /** After the last range: `next` is the manifest that goes on beyond it, `upTo` the last block that must be stated. */
  end(last: { next: StoredManifest | undefined; upTo: number }): Difference[]
  /** Manifests that were compared, and those that reach beyond the range or may still change. */
  counts(): { compared: number; skipped: number }
}

/** Recounts manifests from the chain, and follows them from one to the next. */
export function createManifestAudit({
  from,
  firstBlock,
  before,
  mayChangeFrom = Number.POSITIVE_INFINITY
}: {
  /** The first block that is verified, and the first that was ever relayed. */
  from: number
  firstBlock: number
  /** The newest manifest that ends below `from`. */
  before: StoredManifest | undefined
  /** A lane is read from this block on: manifests of its range are made anew when it has merged. */
  mayChangeFrom?: number | undefined
}): ManifestAudit {
  let due = from
  let previousDigest: string | null | undefined = before?.to_block === from - 1 ? before.digest : undefined
  if (from === firstBlock) previousDigest = null
  let facts: AuditedRange['facts'][number][] = []
  let start: Pick<Header, 'number' | 'hash'> | undefined
  const counts = { compared: 0, skipped: 0 }

  function judge(manifest: StoredManifest, headers: readonly Header[]): Difference[] {
    const { from_block, to_block } = manifest
    const found: Difference[] = from_block > due ? [missing(due, from_block - 1)] : []
    if (from_block > due) previousDigest = undefined
    const ids = facts.filter(({ block_number }) => block_number >= from_block && block_number <= to_block)
    facts = facts.filter(({ block_number }) => block_number > to_block)
    const digest = digestOf(ids.map(({ fact_id }) => fact_id))
    const hashOf = (number: number) =>
      number === start?.number ? start.hash : headers.find(header => header.number === number)?.hash
    const chain = {
      from_block: from_block < due ? due : from_block,
      from_hash: hashOf(from_block) ?? manifest.from_hash,
      to_hash: hashOf(to_block) ?? manifest.to_hash,
      count: ids.length,
      digest,
      previous_digest: previousDigest === undefined ? manifest.previous_digest : previousDigest
    }
    const isPartial = from_block < from
    const isOpen = to_block >= mayChangeFrom
    due = Math.max(due, to_block + 1)
    previousDigest = isPartial || isOpen ? manifest.digest : digest
    if (isPartial || isOpen) {
      counts.skipped++
      return found
    }
    counts.compared++
    const { to_block: _, revision: __, age_seconds: ___, ...stored } = manifest
    const different = differing(stored, chain)
    if (different) found.push({ kind: 'manifest_differs', block_number: from_block, fact_id: null, ...different })
    return found
  }

  return {
    add({ headers, facts: more, manifests }) {
      facts.push(...more)
      const found = manifests.flatMap(manifest => {
        if (start?.number !== due) start = headers.find(({ number }) => number === due) ?? start
        return judge(manifest, headers)
      })
      if (start?.number !== due) start = headers.find(({ number }) => number === due) ?? start
      return found
    },
    end({ next, upTo }) {
      if (due > upTo) return []
      if (next) counts.skipped++
      if (next && next.from_block <= due) return []
      return [missing(due, Math.min(upTo, (next?.from_block ?? Number.POSITIVE_INFINITY) - 1))]
    },
    counts: () => counts
  }
}

const digestOf = (factIds: readonly string[]): string => hash('sha256', factIds.toSorted().join('\n'), 'hex')

const missing = (from: number, to: number): Difference => ({
  kind: 'manifest_missing',
  block_number: from,
  fact_id: null,
  stored: NOTHING,
  chain: `blocks ${from} to ${to} are final`
})
