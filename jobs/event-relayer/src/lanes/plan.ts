import { hash } from 'node:crypto'
import type { Coverage, Pair } from '../store/coverage.ts'
import { coverageKey } from '../store/coverage.ts'

/** What a lane reads: contracts of these factories, because of these signatures (undefined: all), from a block on. */
export type LaneFilter = { factories: readonly string[]; topics: readonly string[] | undefined; from_block: number }

/** What must be noted before relaying goes on. */
export type CoveragePlan = {
  /** Pairs that count as covered from `from` on, because nothing was relayed without them. */
  first: { pairs: Pair[]; from: number } | undefined
  /** Pairs that are watched no longer, covered up to the checkpoint. */
  ended: Pair[]
  opened: LaneFilter[]
}

/**
 * Compares what should be watched with what was. Without coverage rows all counts as covered from the first block: nothing was relayed yet,
 * or by a relayer that noted none and watched just these factories.
 */
export function planCoverage({
  factories,
  topics,
  coverage,
  open,
  checkpoint,
  startBlock
}: {
  factories: readonly string[]
  topics: readonly string[]
  coverage: readonly Coverage[]
  open: readonly LaneFilter[]
  checkpoint: { number: number; first_block: number } | undefined
  startBlock: number | undefined
}): CoveragePlan {
  const wanted = pairsOf(factories, topics)
  const from = checkpoint?.first_block ?? startBlock
  if (from === undefined) return { first: undefined, ended: [], opened: [] }
  if (!checkpoint || coverage.length === 0) return { first: { pairs: wanted, from }, ended: [], opened: [] }

  const known = new Map(coverage.map(pair => [coverageKey(pair), pair]))
  const begun = new Set(open.flatMap(lane => pairsOf(lane.factories, lane.topics ?? topics)).map(coverageKey))
  const wantedKeys = new Set(wanted.map(coverageKey))
  const gaps = wanted
    .filter(pair => !begun.has(coverageKey(pair)))
    .flatMap(pair => {
      const covered = known.get(coverageKey(pair))
      if (!covered) return [{ ...pair, from: Math.max(from, startBlock ?? from) }]
      return covered.until_block === undefined ? [] : [{ ...pair, from: covered.until_block + 1 }]
    })
  return {
    first: undefined,
    ended: coverage.filter(pair => pair.until_block === undefined && !wantedKeys.has(coverageKey(pair))),
    opened: lanesOf(gaps, topics)
  }
}

/** As few lanes as there are beginnings: factories that lack the same signatures from the same block on share one. */
function lanesOf(gaps: readonly (Pair & { from: number })[], topics: readonly string[]): LaneFilter[] {
  const byFactory = Map.groupBy(gaps, gap => `${gap.from} ${gap.factory}`)
  const lacking = [...byFactory.values()].map(of => ({
    of,
    topics: of.length === topics.length ? undefined : of.map(({ topic0 }) => topic0).sort()
  }))
  const shared = Map.groupBy(lacking, ({ of, topics }) => `${of[0]?.from} ${topics}`)
  return [...shared.values()].flatMap(group => {
    const [first] = group
    const from_block = first?.of[0]?.from
    if (!first || from_block === undefined) return []
    return [{ factories: group.flatMap(({ of }) => of[0]?.factory ?? []).sort(), topics: first.topics, from_block }]
  })
}

/** Those of the configured factories that the live lane watches; the others' history isn't in yet. */
export function liveFactories(factories: readonly string[], coverage: readonly Coverage[]): string[] {
  if (coverage.length === 0) return [...factories]
  const live = new Set(coverage.filter(pair => pair.until_block === undefined).map(({ factory }) => factory))
  return factories.filter(factory => live.has(factory))
}

export const pairsOf = (factories: readonly string[], topics: readonly string[]): Pair[] =>
  factories.flatMap(factory => topics.map(topic0 => ({ factory, topic0 })))

export const laneKey = ({ factories, topics, from_block }: LaneFilter): string =>
  filterKey({ factories, topics: topics ?? [], from_block })

/** The same filter has the same key, in whatever order it is written. */
export const filterKey = (filter: {
  factories: readonly string[]
  topics: readonly string[]
  from_block?: number
}): string =>
  hash(
    'sha256',
    JSON.stringify([[...filter.factories].sort(), [...filter.topics].sort(), filter.from_block ?? null]),
    'hex'
  )
