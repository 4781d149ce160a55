import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Report } from './hearing.ts'
import type { Published } from './journal.ts'
import { idOf, type Levels, type Truth } from './truth.ts'

type Manifest = {
  event_id: string
  from_block: number
  to_block: number
  to_hash: string
  digest: string
  revision?: number
}

/** Holds the manifests of finalized ranges against the truth: contiguous from block 0, each with the facts of its blocks, no others. */
export function judgeRanges(
  truth: Truth,
  { published, reached, report }: { published: readonly Published[]; reached: Levels; report: Report }
): void {
  // Only after an operator's resume below finality ranges are stated anew.
  const wasForced = published.some(one => one.topic === 'escrow-events' && JSON.parse(one.data).forced === true)
  let standing: Manifest[] = []
  for (const { data } of published.filter(one => one.topic === 'chain.ranges.v1')) {
    const manifest: Manifest = JSON.parse(data)
    const again = standing.find(one => one.event_id === manifest.event_id)
    if (again) {
      if (!isDeepStrictEqual(again, manifest)) report('doubled', `manifest ${manifest.event_id} says two things`)
      continue
    }
    const kept = standing.filter(one => one.to_block < manifest.from_block)
    if (kept.length < standing.length && !wasForced) report('wrong', `manifest ${data} takes back what was stated`)
    standing = [...kept, manifest]
  }
  let next = 0
  let previous: string | null = null
  for (const manifest of standing) {
    const expected = expectedManifest(truth, { manifest, from: next, previous })
    if (!isDeepStrictEqual(manifest, expected))
      report('wrong', `manifest ${JSON.stringify(manifest)} instead of ${JSON.stringify(expected)}`)
    next = manifest.to_block + 1
    previous = manifest.digest
  }
  if (next <= reached.finalized)
    report('lost', `the manifest of blocks ${next} to ${reached.finalized}, which are final`)
}

function expectedManifest(
  { chainId, chain, canonical }: Truth,
  { manifest, from, previous }: { manifest: Manifest; from: number; previous: string | null }
): Record<string, unknown> {
  const { to_block, revision } = manifest
  const facts = canonical()
    .filter(({ block }) => block.number >= from && block.number <= to_block)
    .map(fact => fact.fact_id)
    .sort()
  const suffix = revision === undefined ? '' : `#${revision}`
  return {
    event_id: idOf(`${chainId}:range:${from}:${chain[to_block]}${suffix}`),
    event_type: 'range_finalized',
    schema_version: 1,
    chain_id: chainId,
    from_block: from,
    from_hash: chain[from],
    to_block,
    to_hash: chain[to_block],
    count: facts.length,
    digest: createHash('sha256').update(facts.join('\n')).digest('hex'),
    previous_digest: previous,
    ...(revision !== undefined && { revision })
  }
}
