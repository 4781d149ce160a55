import type { Told } from './check-messages.ts'
import type { Delivery } from './journal.ts'
import type { ModelBlock, TrueFact } from './model-block.ts'

const types: Readonly<Record<string, string>> = {
  EscrowDeployed: 'open',
  EscrowReleased: 'release',
  EscrowRefunded: 'refund'
}

/** From each finalized message of a deployment or an ending follows one command with its id, and from nothing else; the same whenever it comes again. */
export function checkCommands(deliveries: readonly Delivery[], told: readonly Told[]): string[] {
  const violations: string[] = []
  const due = new Map<string, Told>()
  for (const one of told) if (one.finality === 'finalized' && types[one.fact.event_type]) due.set(one.event_id, one)
  const seen = new Map<string, Delivery>()
  for (const delivery of deliveries) {
    const { event_id } = delivery
    const before = seen.get(event_id)
    seen.set(event_id, before ?? delivery)
    if (before && textOf(before) !== textOf(delivery))
      violations.push(`doubled: command ${event_id} with another content`)
    const source = due.get(event_id)
    if (!source) violations.push(`invented: command ${event_id} follows from nothing that was told`)
    else if (textOf(delivery) !== expected(source))
      violations.push(`wrong: ${textOf(delivery)}, not ${expected(source)}`)
  }
  for (const [event_id, { fact }] of due)
    if (!seen.has(event_id)) violations.push(`lost: the command of ${fact.event_type} in block ${fact.block.number}`)
  return violations
}

const textOf = ({ data, attributes, ordering_key }: Pick<Delivery, 'data' | 'attributes' | 'ordering_key'>): string =>
  JSON.stringify([sorted(JSON.parse(data)), ordering_key, sorted(attributes)])

const sorted = (fields: Record<string, unknown>) => Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1))

/** By the branch of the fact, not by what was told of its escrow. */
function expected({ fact, event_id, attributes: { traceparent } }: Told): string {
  const { chain_id, escrow_address } = fact.body
  const { payer, payee, amount, asset_symbol } = { ...deploymentOf(fact)?.body, ...fact.body } as Record<
    string,
    unknown
  >
  const command_type = types[fact.event_type]
  const workflow_id = `escrow:${chain_id}:${escrow_address}`
  const event_type = `command_${command_type}`
  const body = {
    ...{ event_id, event_type, command_id: event_id, command_type, workflow_id, account_ref: payer, asset_symbol },
    ...{ amount, payer, payee, escrow_address, chain_id, source_event_id: event_id, schema_version: 1 }
  }
  const attributes = {
    event_id,
    event_type,
    schema_version: '1',
    correlation_id: workflow_id,
    traceparent: traceparent ?? ''
  }
  return textOf({ data: JSON.stringify(body), attributes, ordering_key: workflow_id })
}

function deploymentOf({ block, escrow_address }: TrueFact): TrueFact | undefined {
  for (let at: ModelBlock | undefined = block; at; at = at.parent) {
    const found = at.facts.find(one => one.event_type === 'EscrowDeployed' && one.escrow_address === escrow_address)
    if (found) return found
  }
  return undefined
}
