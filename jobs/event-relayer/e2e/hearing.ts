import { isDeepStrictEqual } from 'node:util'
import type { Published } from './journal.ts'
import type { Kind } from './judge.ts'
import { idOf, type TrueFact, type Truth } from './truth.ts'

export type Report = (kind: Kind, text: string) => void

type Level = 'seen' | 'safe' | 'finalized'
type Finality = Level | 'reverted'

/** What was told of a fact: how far its newest incarnation has come. */
type Told = { fact: TrueFact; incarnation: number; level: Finality; newest: string; forced: boolean }
/** Of one escrow: the facts that stand, oldest first, and those that rose to each level. */
type Escrow = Record<'standing' | 'safe' | 'finalized', TrueFact[]>
/** What a message has to say besides its fact. */
type Due = { incarnation: number; first: boolean; reverts?: string | undefined }
type Heard = { fact: TrueFact; known: Told | undefined; escrow: Escrow; forced: boolean; what: string }

const RANK = { seen: 0, safe: 1, finalized: 2 } as const

/** Hears first deliveries in their order, and reports what can't be so. */
export type Hearing = {
  hear(message: Published): void
  levelOf(fact: TrueFact): Finality | undefined
  /** Facts that were told and not reverted since. */
  standing(): TrueFact[]
  readonly reverts: number
  readonly returned: number
}

export function createHearing(truth: Truth, report: Report): Hearing {
  const told = new Map<string, Told>()
  const escrows = new Map<string, Escrow>()
  let reverts = 0
  let returned = 0

  function hear(message: Published): void {
    const body: Record<string, unknown> = JSON.parse(message.data)
    const fact = truth.facts.get(String(body.fact_id))
    const { finality, incarnation } = body
    if (!fact || !isFinality(finality)) {
      report('invented', message.data)
      return
    }
    const known = told.get(fact.fact_id)
    const escrow = escrows.get(fact.escrow) ?? { standing: [], safe: [], finalized: [] }
    escrows.set(fact.escrow, escrow)
    const forced = body.forced === true
    const heard: Heard = { fact, known, escrow, forced, what: `${describe(fact)} ${finality}#${incarnation}` }
    const due = finality === 'reverted' ? revert(heard) : reach(finality, heard)
    const before = { incarnation: 1, forced: false, ...known }
    const wasForced = before.forced || forced
    told.set(fact.fact_id, {
      fact,
      incarnation: due.incarnation,
      level: finality,
      newest: String(body.event_id),
      forced: wasForced
    })
    // A final fact says incarnation 1 whatever came before, unless that was a forced revert.
    const said = finality === 'finalized' && !wasForced ? 1 : due.incarnation
    checkText(message, { body, heard, due: { ...due, incarnation: said } })
  }

  function revert({ fact, known, escrow, forced, what }: Heard): Due {
    reverts += 1
    if (!known || known.level === 'reverted') report('wrong', `${what} reverts what wasn't told`)
    if (known?.level === 'finalized' && !forced) report('wrong', `${what}, but it was final`)
    if (escrow.standing.at(-1) !== fact) report('disordered', `${what}, but newer facts of the escrow stand`)
    for (const list of [escrow.standing, escrow.safe, escrow.finalized]) {
      const place = list.lastIndexOf(fact)
      if (place >= 0) list.splice(place, 1)
    }
    return { incarnation: known?.incarnation ?? 1, first: false, reverts: known?.newest }
  }

  function reach(level: Level, { fact, known, escrow, what }: Heard): Due {
    if (!known || known.level === 'reverted') {
      if (known) returned += 1
      append(escrow.standing, { fact, what })
      return { incarnation: (known?.incarnation ?? 0) + 1, first: true }
    }
    if (RANK[level] <= RANK[known.level]) report('wrong', `${what} after ${known.level}`)
    if (level !== 'seen') append(escrow[level], { fact, what })
    return { incarnation: known.incarnation, first: false }
  }

  function append(list: TrueFact[], { fact, what }: { fact: TrueFact; what: string }): void {
    const last = list.at(-1)
    if (last && !isBefore(last, fact)) report('disordered', `${what} after ${describe(last)}`)
    list.push(fact)
  }

  /** The message to the letter: its key, attributes and body follow from the fact and from what was told before. */
  function checkText(
    { key, attributes }: Published,
    { body, heard: { fact, forced, what }, due }: { body: Record<string, unknown>; heard: Heard; due: Due }
  ): void {
    const finality = String(body.finality)
    const operation = due.incarnation === 1 ? finality : `${finality}#${due.incarnation}`
    const event_id = idOf(`${fact.place}:${operation}`)
    const expected = {
      ...fact.body,
      event_id,
      finality,
      incarnation: due.incarnation,
      ...(due.reverts && { reverts: due.reverts }),
      ...(forced && { forced })
    }
    if (!isDeepStrictEqual(body, expected))
      report('wrong', `${what}: ${JSON.stringify(body)} instead of ${JSON.stringify(expected)}`)
    const attached = {
      ordering_key: fact.escrow,
      event_id,
      fact_id: fact.fact_id,
      event_type: fact.body.event_type,
      schema_version: '1',
      chain_id: String(truth.chainId),
      finality,
      incarnation: String(due.incarnation),
      first: String(due.first),
      correlation_id: `escrow:${truth.chainId}:${fact.escrow}`
    }
    const actual: Record<string, unknown> = { ...attributes, ordering_key: key }
    for (const [name, value] of Object.entries(attached))
      if (actual[name] !== value) report('wrong', `${what}: ${name} is ${actual[name]} instead of ${value}`)
  }

  return {
    hear,
    levelOf: fact => told.get(fact.fact_id)?.level,
    standing: () => [...told.values()].filter(one => one.level !== 'reverted').map(one => one.fact),
    get reverts() {
      return reverts
    },
    get returned() {
      return returned
    }
  }
}

const isFinality = (value: unknown): value is Finality =>
  value === 'seen' || value === 'safe' || value === 'finalized' || value === 'reverted'

const isBefore = (a: TrueFact, b: TrueFact): boolean =>
  a.block.number < b.block.number || (a.block.number === b.block.number && a.log_index < b.log_index)

export const describe = ({ body, block, log_index, fact_id }: TrueFact): string =>
  `${body.event_type} in block ${block.number} (${block.hash.slice(0, 10)}) at ${log_index}, ${fact_id}`
