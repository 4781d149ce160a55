import type { EscrowFact } from '@fusion-prime/events'
import { type FactMessage, type Level, lowestLevel, type Standing, standingOf } from './standing.ts'

/** A fact and all that was said of it. */
export type FactHistory = { body: EscrowFact; messages: readonly FactMessage[] }
export type StandingFact = FactHistory & Standing

export type EscrowStatus =
  | 'funded'
  | 'partially_approved'
  | 'approved'
  | 'released'
  | 'refunded'
  | 'reverted'
  | 'incomplete'

export type Anomaly = 'approval_by_stranger' | 'release_amount_differs' | 'refund_amount_differs' | 'second_ending'

/** The state of an escrow; the fields of its deployment are null while that isn't known. Amount in base units. */
export type Escrow = {
  chain_id: number
  escrow_address: string
  factory_address: string | null
  payer: string | null
  payee: string | null
  arbiter: string | null
  amount: string | null
  asset_symbol: string | null
  approvals_required: number | null
  approvals: string[]
  status: EscrowStatus
  finality: Level
  anomalies: Anomaly[]
}

type Deployment = Extract<EscrowFact, { event_type: 'EscrowDeployed' }>

/** What the fold carries from fact to fact. */
type Life = {
  deployment: Deployment
  arbiter: string | null
  approvals: string[]
  ended: 'released' | 'refunded' | null
  anomalies: Set<Anomaly>
  /** The lowest of the facts so far. */
  level: Level
}

type Ending = Extract<EscrowFact, { event_type: 'EscrowReleased' | 'EscrowRefunded' }>

/** Total over the events of the subscription: a new one doesn't compile until it has its line here. */
const evolve: {
  [Type in EscrowFact['event_type']]: (
    life: Life,
    fact: Extract<EscrowFact, { event_type: Type }>,
    level: Level
  ) => Life
} = {
  EscrowDeployed: life => life,
  ApprovalGranted: (life, { approver }, level) => {
    if (life.ended) return life
    const { payer, payee } = life.deployment
    if (![payer, payee, life.arbiter].includes(approver)) return flag(life, 'approval_by_stranger')
    return lower({ ...life, approvals: [...new Set([...life.approvals, approver])] }, level)
  },
  ArbiterChanged: (life, { new_arbiter }, level) =>
    life.ended ? life : lower({ ...life, arbiter: new_arbiter }, level),
  EscrowReleased: (life, fact, level) => end(life, { fact, level, as: 'released', differs: 'release_amount_differs' }),
  EscrowRefunded: (life, fact, level) => end(life, { fact, level, as: 'refunded', differs: 'refund_amount_differs' })
}

function end(life: Life, ending: { fact: Ending; level: Level; as: 'released' | 'refunded'; differs: Anomaly }): Life {
  if (life.ended) return flag(life, 'second_ending')
  const ended = lower({ ...life, ended: ending.as }, ending.level)
  return ending.fact.amount === life.deployment.amount ? ended : flag(ended, ending.differs)
}

const lower = (life: Life, level: Level): Life => ({ ...life, level: lowestLevel([life.level, level]) })

const flag = (life: Life, anomaly: Anomaly): Life => ({ ...life, anomalies: new Set([...life.anomalies, anomaly]) })

function apply<Type extends EscrowFact['event_type']>(
  life: Life,
  fact: Extract<EscrowFact, { event_type: Type }>,
  level: Level
): Life {
  // The map's entry for a fact's own type takes that fact; TypeScript can't tie the two together over a union.
  const step = evolve[fact.event_type] as (life: Life, fact: EscrowFact, level: Level) => Life
  return step(life, fact, level)
}

/** Chain order: by block, then by place in the block; facts of rival blocks by id, so that the order is total. */
export const chainOrder = (a: FactHistory, b: FactHistory): number =>
  a.body.block_number - b.body.block_number ||
  a.body.log_index - b.body.log_index ||
  (a.body.fact_id < b.body.fact_id ? -1 : 1)

/** All facts of one escrow with their standing, in chain order. */
export const timelineOf = (facts: readonly FactHistory[]): StandingFact[] =>
  [...facts].sort(chainOrder).map(fact => ({ ...fact, ...standingOf(fact.messages) }))

/** Folds all facts of one escrow (at least one) into its state: a function of their set, not of the order of arrival. */
export function projectEscrow(timeline: readonly StandingFact[]): Escrow {
  const [first] = timeline
  if (!first) throw new Error('an escrow without facts has no state')
  const counting = timeline.filter(fact => fact.counts)
  const base = counting.find(fact => fact.body.event_type === 'EscrowDeployed')
  if (base?.body.event_type !== 'EscrowDeployed') {
    const made = counting.length > 0 ? counting : timeline
    return unknownEscrow(
      first.body,
      counting.length > 0 ? 'incomplete' : 'reverted',
      lowestLevel(made.map(fact => fact.finality))
    )
  }
  const start: Life = {
    deployment: base.body,
    arbiter: base.body.arbiter,
    approvals: [],
    ended: null,
    anomalies: new Set(),
    level: base.finality
  }
  return present(counting.reduce((life, fact) => apply(life, fact.body, fact.finality), start))
}

function present({ deployment, arbiter, approvals, ended, anomalies, level }: Life): Escrow {
  const { chain_id, escrow_address, factory_address, payer, payee, amount, asset_symbol, approvals_required } =
    deployment
  const deployed = { chain_id, escrow_address, factory_address, payer, payee, amount, asset_symbol, approvals_required }
  const status = ended ?? approvalStatus(approvals.length, approvals_required)
  return { ...deployed, arbiter, approvals, status, finality: level, anomalies: [...anomalies].sort() }
}

function approvalStatus(approvals: number, required: number | null): 'funded' | 'partially_approved' | 'approved' {
  if (approvals === 0) return 'funded'
  return required !== null && approvals >= required ? 'approved' : 'partially_approved'
}

function unknownEscrow(fact: EscrowFact, status: 'incomplete' | 'reverted', finality: Level): Escrow {
  const { chain_id, escrow_address } = fact
  const unknown = { factory_address: null, payer: null, payee: null, arbiter: null, amount: null, asset_symbol: null }
  return {
    chain_id,
    escrow_address,
    ...unknown,
    approvals_required: null,
    approvals: [],
    status,
    finality,
    anomalies: []
  }
}
