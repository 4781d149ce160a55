import type { OutboxMessage, Sql } from '@fusion-prime/postgres'
import { type Log, newTraceparent } from '@fusion-prime/runtime'
import type { Level } from '../chain.ts'
import { commandMessage, isSettled, type SettledBody, type Terms } from '../command.ts'
import type { ReadLog } from '../decode/escrow.ts'
import { type FactAtLevel, factMessage } from '../message.ts'
import { batches } from './batches.ts'
import type { NewFact } from './facts.ts'

/** The facts of a range, each with its message: made while the range before is being written. */
export const prepareFacts = (logs: readonly ReadLog[], level: Level): NewFact[] =>
  logs.flatMap(read => {
    if (read.reading !== 'published') return []
    const fact = { body: read.body, finality: level, traceparent: newTraceparent() }
    return [{ ...fact, message: factMessage({ ...fact, incarnation: 1, forced: false, first: true }) }]
  })

type Reached = Pick<FactAtLevel, 'body' | 'finality'>

/** What is said of facts that reached a level, in batches: each one's message and, when it is final, the command that follows from it. */
export function* messagesOf(
  facts: readonly FactAtLevel[],
  { terms, log }: { terms: ReadonlyMap<string, Terms>; log: Log }
): Generator<OutboxMessage[]> {
  for (const batch of batches(facts)) yield batch.flatMap(fact => messagesOfOne(fact, { terms, log }))
}

function messagesOfOne(
  fact: FactAtLevel,
  { terms, log }: { terms: ReadonlyMap<string, Terms>; log: Log }
): OutboxMessage[] {
  const message = fact.message ?? factMessage(fact)
  const { body, finality, traceparent } = fact
  if (finality !== 'finalized' || !isSettled(body)) return [message]
  const known = body.event_type === 'EscrowDeployed' ? body : terms.get(body.escrow_address)
  const { event_id } = message
  if (known) return [message, commandMessage({ body, traceparent }, { event_id, terms: known })]
  const { event_type, fact_id, escrow_address, block_number } = body
  log.warn({ event_id, event_type, fact_id, escrow_address, block_number }, 'command_without_deployment')
  return [message]
}

/** By escrow, what its deployment says, for every escrow whose ending is final; `unwritten`: deployments that aren't stored yet. */
export async function termsOf(
  tx: Sql,
  { chainId, facts, unwritten = [] }: { chainId: number; facts: readonly Reached[]; unwritten?: readonly Reached[] }
): Promise<Map<string, Terms>> {
  const bodies = facts.flatMap(({ body, finality }) => (finality === 'finalized' && isSettled(body) ? [body] : []))
  const stored = await loadTerms(tx, { chainId, bodies })
  for (const { body } of unwritten) {
    if (body.event_type === 'EscrowDeployed' && !stored.has(body.escrow_address)) stored.set(body.escrow_address, body)
  }
  return stored
}

/** By escrow, what the stored deployments say of the escrows that ended. */
export async function loadTerms(
  tx: Sql,
  { chainId, bodies }: { chainId: number; bodies: readonly SettledBody[] }
): Promise<Map<string, Terms>> {
  const ended = bodies.filter(({ event_type }) => event_type !== 'EscrowDeployed')
  if (ended.length === 0) return new Map()
  const rows = await tx<(Terms & { escrow_address: string })[]>`
    select escrow_address, body ->> 'payer' as payer, body ->> 'payee' as payee, body ->> 'asset_symbol' as asset_symbol
    from escrows join facts using (chain_id, fact_id)
    where chain_id = ${chainId} and not gone and escrow_address = any (${ended.map(body => body.escrow_address)}::text[])`
  return new Map(rows.map(({ escrow_address, ...terms }) => [escrow_address, terms]))
}
