import { PermanentError } from '@fusion-prime/runtime'
import { type ChainPlan, factsUpTo } from './relayer-chain.ts'

/** Block numbers that the chain's tags say; `finalized` and `safe` stand together. */
export type NodeHeads = { latest: number; finalized: number }

export type OmissionCheck = 'receipts' | 'off'

/** Ticks of one relayer, one after the other, on a database of its own. */
export type Scenario = { name: string; plan: ChainPlan; urls: number; check: OmissionCheck; ticks: Tick[] }

type Tick = { name: string; heads: NodeHeads }

export type ExpectedTick = Tick & {
  /** Blocks and events that it adds; an event is a fact that reaches a level, and has one outbox row. */
  blocks: number
  events: number
  /** What stands in the database after it. */
  facts: number
  finalized: number
  messages: number
}

type Sizes = {
  dense: ChainPlan
  /** Few enough escrows to ask for their logs by address. */
  few: ChainPlan
  sparse: ChainPlan
  /** The deployments fill its first half. */
  children: ChainPlan
  urls: number
}

const full: Sizes = {
  dense: { blocks: 1_000, every: 1, logsPerBlock: 200, escrows: 40_000 },
  few: { blocks: 1_000, every: 1, logsPerBlock: 200, escrows: 400 },
  sparse: { blocks: 100_000, every: 1_000, logsPerBlock: 1, escrows: 10 },
  children: { blocks: 500, every: 1, logsPerBlock: 200, escrows: 50_000 },
  urls: 50
}

const quick: Sizes = {
  dense: { blocks: 30, every: 1, logsPerBlock: 20, escrows: 120 },
  few: { blocks: 30, every: 1, logsPerBlock: 20, escrows: 10 },
  sparse: { blocks: 500, every: 50, logsPerBlock: 1, escrows: 2 },
  children: { blocks: 40, every: 1, logsPerBlock: 30, escrows: 600 },
  urls: 3
}

/** How a scenario is called in all that is printed. */
export const titleOf = ({ name, urls, check }: Scenario): string =>
  `${name}, ${urls === 1 ? '1 URL' : `${urls} URLs`}, check ${check}`

/** Those whose title holds the text; quick ones are small enough for a test. Throws a PermanentError when there is none. */
export function scenariosOf({ size, holding }: { size: 'full' | 'quick'; holding: string }): Scenario[] {
  const all = scenarios(size)
  const found = all.filter(scenario => titleOf(scenario).includes(holding))
  if (found.length > 0) return found
  throw new PermanentError(`--scenario is ${holding}: give a part of one of\n${all.map(titleOf).join('\n')}`)
}

function scenarios(size: 'full' | 'quick'): Scenario[] {
  const { dense, few, sparse, children, urls } = size === 'full' ? full : quick
  const seeded = children.blocks / 2
  const checks: OmissionCheck[] = ['receipts', 'off']
  return [
    ...[1, urls].flatMap(count =>
      checks.map(check => ({ name: 'dense', plan: dense, urls: count, check, ticks: [atOnce(dense)] }))
    ),
    { name: 'dense, few escrows', plan: few, urls: 1, check: 'receipts', ticks: [atOnce(few)] },
    {
      name: 'dense, tags behind',
      plan: dense,
      urls: 1,
      check: 'receipts',
      ticks: [
        { name: 'seen', heads: { latest: dense.blocks, finalized: 0 } },
        { name: 'then finalized', heads: { latest: dense.blocks, finalized: dense.blocks } }
      ]
    },
    ...checks.map(check => ({ name: 'nearly empty', plan: sparse, urls: 1, check, ticks: [atOnce(sparse)] })),
    {
      name: 'many children',
      plan: children,
      urls: 1,
      check: 'receipts',
      ticks: [
        { name: 'deployed', heads: { latest: seeded, finalized: seeded } },
        { name: 'then released', heads: { latest: children.blocks, finalized: children.blocks } }
      ]
    }
  ]
}

const atOnce = ({ blocks }: ChainPlan): Tick => ({ name: 'one tick', heads: { latest: blocks, finalized: blocks } })

/** The ticks of a scenario with what each must leave behind. */
export function expectedTicks({ plan, ticks }: Scenario): ExpectedTick[] {
  let before = { latest: 0, facts: 0, finalized: 0, messages: 0 }
  return ticks.map(({ name, heads }) => {
    const facts = factsUpTo(plan, heads.latest)
    const finalized = factsUpTo(plan, heads.finalized)
    // A fact that is final when it is first read is told once, one that was seen before once more.
    const raised = Math.max(0, Math.min(before.facts, finalized) - before.finalized)
    const events = facts - before.facts + raised
    const after = { facts, finalized, messages: before.messages + events }
    const expected = { name, heads, blocks: heads.latest - before.latest, events, ...after }
    before = { latest: heads.latest, ...after }
    return expected
  })
}
