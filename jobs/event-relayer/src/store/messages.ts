import type { OutboxMessage, Sql } from '@fusion-prime/postgres'
import type { Log } from '@fusion-prime/runtime'
import { commandMessage, isSettled, type SettledBody, type Terms } from '../command.ts'
import { type FactAtLevel, factMessage } from '../message.ts'
import { batches } from './batches.ts'

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
  const message = factMessage(fact)
  const { body, finality, traceparent } = fact
  if (finality !== 'finalized' || !isSettled(body)) return [message]
  const known = body.event_type === 'EscrowDeployed' ? body : terms.get(body.escrow_address)
  const { event_id } = message
  if (known) return [message, commandMessage({ body, traceparent }, { event_id, terms: known })]
  const { event_type, fact_id, escrow_address, block_number } = body
  log.warn({ event_id, event_type, fact_id, escrow_address, block_number }, 'command_without_deployment')
  return [message]
}

/** By escrow, what the deployments say of the escrows whose endings are final: those that are stored, else those among these facts. */
export async function termsOf(
  tx: Sql,
  { chainId, facts }: { chainId: number; facts: readonly Reached[] }
): Promise<Map<string, Terms>> {
  const bodies = facts.flatMap(({ body, finality }) => (finality === 'finalized' && isSettled(body) ? [body] : []))
  const deployed = bodies.filter(body => body.event_type === 'EscrowDeployed').reverse() // of two the first one counts
  const stored = await loadTerms(tx, { chainId, bodies })
  return new Map<string, Terms>([...deployed.map(body => [body.escrow_address, body] as const), ...stored])
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
