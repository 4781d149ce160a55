import type { OutgoingMessage } from '@fusion-prime/events'
import type { OutboxMessage, Sql } from '@fusion-prime/postgres'
import type { Level } from '../chain.ts'
import { commandMessage, isSettled, type Terms } from '../command.ts'
import { factMessage, manifestMessage, revertMessage } from '../message.ts'
import { loadTerms } from '../store/messages.ts'
import { type Difference, differing, NOTHING } from './difference.ts'
import type { Retention } from './retention.ts'
import type { StoredFact } from './stored.ts'
import type { StoredManifest } from './stored-manifests.ts'

/** A message as it must be if it is kept: one of these, for a revert names the level that it took back. */
export type Expected = {
  block_number: number
  fact_id: string | null
  anyOf: readonly [OutgoingMessage, ...OutgoingMessage[]]
  /** It was written so lately that it can't have been forgotten yet. */
  required: boolean
}

/** Every message that facts that count may have in the outbox, and the commands that follow from them; of each the newest `finalized` ones must be there. */
export async function expectedOf(
  tx: Sql,
  { chainId, facts, retention }: { chainId: number; facts: readonly StoredFact[]; retention: Retention }
): Promise<Expected[]> {
  const bodies = facts.flatMap(({ body }) => (isSettled(body) ? [body] : []))
  const terms = await loadTerms(tx, { chainId, bodies })
  return facts.flatMap(fact => {
    const expected = factMessages(fact, { required: retention.isKept(fact.block_number) })
    return [...expected, ...commandsOf(fact, { expected, terms: terms.get(fact.body.escrow_address) })]
  })
}

function factMessages(fact: StoredFact, { required }: { required: boolean }): Expected[] {
  const { block_number, fact_id, incarnation, forced } = fact
  const place = { block_number, fact_id }
  const at = (finality: Level, n: number, wasForced: boolean): OutgoingMessage =>
    factMessage({ ...fact, finality, incarnation: n, forced: wasForced, first: false })
  const expected: Expected[] = []
  for (let n = 1; n <= incarnation; n++) {
    for (const level of ['seen', 'safe'] as const)
      expected.push({ ...place, anyOf: [at(level, n, forced)], required: false })
    if (n < incarnation) expected.push({ ...place, anyOf: reverts({ ...fact, incarnation: n }), required: false })
    if (n > 1 && forced && n < incarnation)
      expected.push({ ...place, anyOf: [at('finalized', n, true)], required: false })
  }
  if (forced) expected.push({ ...place, anyOf: [at('finalized', 1, false)], required: false })
  const newest = at('finalized', incarnation, forced)
  expected.push({ ...place, anyOf: [newest], required: required && fact.finality === 'finalized' })
  return expected
}

/** One command from each `finalized` message. */
function commandsOf(
  { body, traceparent }: StoredFact,
  { expected, terms }: { expected: readonly Expected[]; terms: Terms | undefined }
): Expected[] {
  const known = body.event_type === 'EscrowDeployed' ? body : terms
  if (!isSettled(body) || !known) return []
  return expected
    .filter(({ anyOf: [{ attributes }] }) => attributes.finality === 'finalized')
    .map(one => {
      const { event_id } = one.anyOf[0]
      return { ...one, anyOf: [commandMessage({ body, traceparent }, { event_id, terms: known })] }
    })
}

const reverts = (fact: StoredFact): [OutgoingMessage, ...OutgoingMessage[]] => [
  revertMessage({ ...fact, was: 'seen' }),
  revertMessage({ ...fact, was: 'safe' }),
  revertMessage({ ...fact, was: 'finalized' }),
  revertMessage({ ...fact, was: 'finalized', forced: false })
]

export const manifestExpected = (
  { age_seconds: _, ...manifest }: StoredManifest,
  { chainId, required }: { chainId: number; required: boolean }
): Expected => {
  // The trace isn't compared: only the process that stated it knew it.
  const message = manifestMessage({ chainId, manifest, traceparent: `00-${'1'.repeat(32)}-${'1'.repeat(16)}-01` })
  return { block_number: manifest.from_block, fact_id: null, anyOf: [message], required }
}

export type MessageKey = Pick<OutboxMessage, 'topic' | 'event_id'>

const keyOf = ({ topic, event_id }: MessageKey) => `${topic} ${event_id}`

export async function loadMessages(sql: Sql, expected: readonly Expected[]): Promise<Map<string, OutboxMessage>> {
  const messages = expected.map(({ anyOf: [message] }) => message)
  const rows = await sql<OutboxMessage[]>`
    select topic, event_id, ordering_key, data, attributes from outbox
    where (topic, event_id) in (
      select * from unnest(${messages.map(one => one.topic)}::text[], ${messages.map(one => one.event_id)}::uuid[])
    )`
  return new Map(rows.map(row => [keyOf(row), row]))
}

export function compareOutbox(kept: ReadonlyMap<string, OutboxMessage>, expected: readonly Expected[]): Difference[] {
  return expected.flatMap(({ block_number, fact_id, anyOf, required }): Difference[] => {
    const place = { block_number, fact_id }
    const [newest] = anyOf
    const row = kept.get(keyOf(newest))
    if (!row && !required) return []
    if (!row) return [{ kind: 'outbox_missing', ...place, stored: NOTHING, chain: say(newest) }]
    const differences = anyOf.map(message => differing(fieldsOf(row), fieldsOf(message)))
    const [different] = differences
    if (!different || differences.includes(undefined)) return []
    return [{ kind: 'outbox_differs', ...place, ...different }]
  })
}

export const say = ({ topic, event_id }: MessageKey) => `topic=${topic} event_id=${event_id}`

/** `first` is a hint that a rebuild may give otherwise, the trace is the process’ own; all else follows from the chain. */
function fieldsOf({ topic, event_id, ordering_key, data, attributes }: OutboxMessage) {
  const { first: _, traceparent: __, ...rest } = attributes
  const named = Object.entries(rest).map(([name, value]) => [`attribute ${name}`, value])
  return { event_id, topic, ordering_key, data, ...Object.fromEntries(named) }
}
