import { eventId } from '@fusion-prime/events'
import type { Delivery } from './journal.ts'
import type { TrueFact } from './model-block.ts'

/** A first delivery of a message about a true fact. */
export type Told = Delivery & { fact: TrueFact; finality: string; incarnation: number; first: boolean; forced: boolean }

type Body = Record<string, unknown> & { fact_id: string; finality: string; incarnation: number; forced?: unknown }

/** Each message is about a log that some branch had, says the truth about it, and is the same whenever it comes again. */
export function checkMessages(
  deliveries: readonly Delivery[],
  facts: ReadonlyMap<string, TrueFact>
): { told: Told[]; violations: string[] } {
  const violations: string[] = []
  const seen = new Map<string, Delivery>()
  const told: Told[] = []
  for (const delivery of deliveries) {
    const before = seen.get(delivery.event_id)
    if (before) {
      if (textOf(before) !== textOf(delivery))
        violations.push(`doubled: ${delivery.event_id} came with another content`)
      continue
    }
    seen.set(delivery.event_id, delivery)
    // What isn't such a body differs from the truth, and is told as that.
    const body = JSON.parse(delivery.data) as Body
    const fact = facts.get(body.fact_id)
    if (!fact) {
      violations.push(`invented: ${delivery.event_id} tells of fact ${body.fact_id}, which no branch ever had`)
      continue
    }
    const fault = faultOf(delivery, { body, fact })
    if (fault) violations.push(`wrong: ${describe(body, fact)}: ${fault}`)
    const { finality, incarnation, forced } = body
    const first = delivery.attributes.first === 'true'
    told.push({ ...delivery, fact, finality, incarnation, first, forced: forced === true })
  }
  return { told, violations }
}

const textOf = ({ topic, data, attributes, ordering_key }: Delivery): string =>
  JSON.stringify([topic, data, ordering_key, Object.entries(attributes).sort()])

const describe = ({ finality, incarnation }: Body, { event_type, block, log_index }: TrueFact): string =>
  `${event_type} of block ${block.number} log ${log_index} as ${finality}#${incarnation}`

function faultOf(
  { event_id, ordering_key, attributes }: Delivery,
  { body, fact }: { body: Body; fact: TrueFact }
): string | undefined {
  const { finality, incarnation, event_id: inBody, reverts, forced, ...rest } = body
  const place = {
    chain_id: Number(rest.chain_id),
    block_hash: fact.block.hash,
    transaction_hash: fact.transaction_hash,
    log_index: fact.log_index
  }
  const derived = eventId({ ...place, finality: finality as 'seen', incarnation }) // any other word gives another id
  if (event_id !== derived || inBody !== derived) return `its event_id is ${event_id}, its parts give ${derived}`
  if (ordering_key !== fact.escrow_address) return `its ordering key is ${ordering_key}`
  if ((reverts !== undefined) !== (finality === 'reverted')) return `reverts is ${String(reverts)}`
  if (forced !== undefined && finality !== 'reverted') return 'it is forced'
  for (const name of new Set([...Object.keys(rest), ...Object.keys(fact.body)])) {
    if (rest[name] !== fact.body[name]) return `${name} is ${String(rest[name])}, not ${String(fact.body[name])}`
  }
  for (const [name, value] of Object.entries({
    ...pick(body, 'event_id', 'event_type', 'fact_id', 'finality', 'schema_version', 'chain_id', 'incarnation'),
    correlation_id: `escrow:${rest.chain_id}:${fact.escrow_address}`
  })) {
    if (attributes[name] !== String(value)) return `attribute ${name} is ${attributes[name]}, not ${String(value)}`
  }
  return undefined
}

const pick = (body: Body, ...names: string[]) => Object.fromEntries(names.map(name => [name, body[name]]))
