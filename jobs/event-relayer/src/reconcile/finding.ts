import type { RangeFault } from '@fusion-prime/operations'
import type { Static } from 'typebox'

export const serviceNames = ['settlement', 'risk-engine', 'compliance'] as const
export type ServiceName = (typeof serviceNames)[number]

/** Something that isn't with a service as the chain, or its own facts, give it; `service` is null where nobody holds it. */
export type Finding = {
  service: ServiceName | null
  kind: 'missing' | 'altered' | 'extra'
  what: 'fact' | 'manifest' | Static<typeof RangeFault>['what']
  block_number: number | null
  fact_id: string | null
  escrow_address: string | null
  detail: string
}

/** A finding and what became of it. */
export type Settled = Finding & { outcome: 'repaired' | 'wrong' }

const keyOf = ({ service, kind, what, block_number, fact_id, escrow_address, detail }: Finding): string =>
  JSON.stringify([service, kind, what, block_number, fact_id, escrow_address, detail])

/** What was found before a repair against what is found after it: what went is repaired, what stayed or came is wrong. */
export function settle(before: readonly Finding[], after: readonly Finding[]): Settled[] {
  const left = new Set(after.map(keyOf))
  const known = new Set(before.map(keyOf))
  return [
    ...before.map((finding): Settled => ({ ...finding, outcome: left.has(keyOf(finding)) ? 'wrong' : 'repaired' })),
    ...after.filter(finding => !known.has(keyOf(finding))).map((finding): Settled => ({ ...finding, outcome: 'wrong' }))
  ]
}
