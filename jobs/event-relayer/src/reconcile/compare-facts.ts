import type { RangeFact } from '@fusion-prime/operations'
import type { Static } from 'typebox'
import type { ChainFact } from './chain-parts.ts'
import type { Finding } from './finding.ts'

export type HeldFact = Static<typeof RangeFact>
export type FactFinding = Omit<Finding, 'service'>

/** `every`: the service is told each level, so it must know of every fact that it is final; `first`: only of the first. */
export type Levels = 'every' | 'first'

/** What a service holds of a part against what the chain has; `missing` may come again, the rest is for an operator. */
export function compareFacts({
  chain,
  held,
  levels
}: {
  chain: readonly ChainFact[]
  held: readonly HeldFact[]
  levels: Levels
}): FactFinding[] {
  const heldById = new Map(held.map(fact => [fact.fact_id, fact]))
  const onChain = new Set(chain.map(fact => fact.fact_id))
  const found = chain.flatMap(({ fact_id, block_number, content_digest, body }): FactFinding[] => {
    const { event_type, escrow_address } = body
    const place = { what: 'fact', block_number, fact_id, escrow_address } as const
    const there = heldById.get(fact_id)
    if (!there) return [{ ...place, kind: 'missing', detail: event_type }]
    const altered: FactFinding = {
      ...place,
      kind: 'altered',
      detail: `${event_type}: it says something else than the chain`
    }
    const uncounted: FactFinding = {
      ...place,
      kind: 'missing',
      detail: `${event_type}: it is held, but as reverted or unknown`
    }
    const unfinal: FactFinding = { ...place, kind: 'missing', detail: `${event_type}: it is held, but not as final` }
    const lacks = there.counts && levels === 'every' && there.event_id === null
    return [
      ...(there.content_digest === content_digest && there.block_number === block_number ? [] : [altered]),
      ...(there.counts ? [] : [uncounted]),
      ...(lacks ? [unfinal] : [])
    ]
  })
  const extra = held.filter(({ fact_id, counts }) => counts && !onChain.has(fact_id))
  return [
    ...found,
    ...extra.map(({ fact_id, block_number }): FactFinding => {
      const detail = 'the chain has no such fact in these blocks'
      return { kind: 'extra', what: 'fact', block_number, fact_id, escrow_address: null, detail }
    })
  ]
}
