import type { Milestone } from '@fusion-prime/runtime'
import type { DeployableName } from '../shared/local/src/deployables.ts'

/** Whom to kill, and at which milestone; without one while messages are unanswered. */
export type Kill = { victim: DeployableName; at?: Milestone }

/** Numbers in 0..1, the same for the same seed (mulberry32). */
export type Random = () => number

export function createRandom(seed: number): Random {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), state | 1)
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61)
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32
  }
}

export function pick<Item>(items: readonly Item[], random: Random): Item {
  const item = items[Math.floor(random() * items.length)]
  if (item === undefined) throw new Error('nothing to pick from')
  return item
}

export function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  return items
    .map(item => ({ item, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item)
}

/** Twelve kills: every deployable at least twice, every milestone at least once; their order comes from the seed. */
export const twelveKills: readonly Kill[] = [
  { victim: 'settlement', at: 'batch_committed' },
  { victim: 'settlement', at: 'outbox_published' },
  { victim: 'settlement' },
  { victim: 'event-relayer', at: 'relayer_writing' },
  { victim: 'event-relayer', at: 'outbox_published' },
  { victim: 'event-relayer' },
  { victim: 'risk-engine', at: 'batch_committed' },
  { victim: 'risk-engine' },
  { victim: 'compliance', at: 'batch_committed' },
  { victim: 'compliance' },
  { victim: 'price-oracle', at: 'outbox_published' },
  { victim: 'price-oracle' }
]
