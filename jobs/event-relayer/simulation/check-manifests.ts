import { createHash } from 'node:crypto'
import type { Delivery } from './journal.ts'
import { ancestorAt, type ModelBlock } from './model-block.ts'
import type { ModelChain } from './model-chain.ts'

type Manifest = {
  from_block: number
  from_hash: string
  to_block: number
  to_hash: string
  count: number
  digest: string
  previous_digest: string | null
}

/**
 * The manifests follow each other from the first block to the finalized one, and each states what its blocks hold.
 * Only where final blocks were replaced may one follow an earlier one than the last; what stands then is the newest that is the chain's.
 */
export function checkManifests(
  deliveries: readonly Delivery[],
  { chain, firstBlock, replaced }: { chain: ModelChain; firstBlock: number; replaced: ReadonlySet<ModelBlock> }
): string[] {
  const violations: string[] = []
  const histories: Manifest[][] = [[]]
  for (const manifest of firstOfEach(deliveries, violations)) {
    const candidates = (replaced.size > 0 ? histories.toReversed() : histories.slice(-1)).filter(one =>
      follows(manifest, { last: one.at(-1), firstBlock })
    )
    // Two ranges without facts have the same digest, so that a manifest may seem to follow either.
    const history = candidates.find(one => isCanonical(one.at(-1), chain)) ?? candidates[0]
    const last = histories.at(-1) ?? []
    if (!history) violations.push(`gap: ${nameOf(manifest)} doesn’t follow ${last.at(-1)?.to_block ?? 'nothing'}`)
    histories.push([...(history ?? last), manifest])
  }
  // One that is made again exactly as it was before is not published again.
  const standing = histories.findLast(one => replaced.size === 0 || isCanonical(one.at(-1), chain)) ?? []
  for (const manifest of standing)
    for (const fault of faultsOf(manifest, chain)) violations.push(`wrong: ${nameOf(manifest)}: ${fault}`)
  const final = chain.finalized()?.number ?? -1
  const end = standing.at(-1)?.to_block ?? firstBlock - 1
  if (final >= firstBlock && end !== final) violations.push(`lost: manifests end at block ${end}, final is ${final}`)
  return violations
}

function firstOfEach(deliveries: readonly Delivery[], violations: string[]): Manifest[] {
  return [...Map.groupBy(deliveries, ({ event_id }) => event_id).values()].flatMap(same => {
    const [first] = same
    if (!first) return []
    if (same.some(({ data }) => data !== first.data))
      violations.push(`doubled: manifest ${first.event_id} came with another content`)
    return [JSON.parse(first.data) as Manifest] // compared with the truth field by field
  })
}

const nameOf = ({ from_block, to_block }: Manifest): string => `manifest of blocks ${from_block} to ${to_block}`

const follows = (
  { from_block, previous_digest }: Manifest,
  { last, firstBlock }: { last: Manifest | undefined; firstBlock: number }
): boolean =>
  last
    ? from_block === last.to_block + 1 && previous_digest === last.digest
    : from_block === firstBlock && previous_digest === null

const isCanonical = (last: Manifest | undefined, chain: ModelChain): boolean =>
  last === undefined || ancestorAt(chain.tip(), last.to_block)?.hash === last.to_hash

function* faultsOf(manifest: Manifest, chain: ModelChain): Generator<string> {
  const last = ancestorAt(chain.tip(), manifest.to_block)
  if (manifest.to_hash !== last?.hash) yield 'to_hash is not the chain’s'
  const ids: string[] = []
  let block: ModelBlock | undefined = last
  for (; block && block.number >= manifest.from_block; block = block.parent) {
    if (block.number === manifest.from_block && manifest.from_hash !== block.hash) yield 'from_hash is not the chain’s'
    ids.push(...block.facts.map(fact => fact.fact_id))
  }
  if (manifest.count !== ids.length) yield `count is ${manifest.count}, the chain has ${ids.length}`
  const digest = createHash('sha256').update(ids.sort().join('\n')).digest('hex')
  if (manifest.digest !== digest) yield `digest is ${manifest.digest}, not ${digest}`
}
