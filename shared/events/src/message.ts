import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { Compile, type Validator } from 'typebox/compile'
import type { EventDefinition, EventOf, TopicDefinition } from './define.ts'
import { parseJsonObject, unstorableText } from './json.ts'
import { topicOfType } from './subscriptions.ts'

/** Why a message can never be handled; goes into `dead_letter_reason`. */
export type Fault =
  | 'not_base64'
  | 'not_json'
  | 'unknown_type'
  | 'unknown_version'
  | 'wrong_topic'
  | 'invalid'
  | 'id_mismatch'
  | 'id_reused'
  | 'asset_unknown'
  | 'handler_refused'

/** Largest payload that a publisher sends: 64 KiB. */
export const MAX_PAYLOAD_BYTES = 65_536

/** What Pub/Sub carries: the body as JSON text, string attributes, and the key within which order holds. */
export type OutgoingMessage = {
  topic: string
  event_id: string
  data: string
  attributes: Record<string, string>
  ordering_key: string
}

/** A message that was checked against the catalogue. */
export type Received<Body> = {
  event_id: string
  correlation_id: string
  /** W3C trace context; undefined when what came isn't one, so that the reader starts a new trace. */
  traceparent: string | undefined
  attributes: Readonly<Record<string, string>>
  /** SHA-256 over the declared fields that must be the same whenever this event_id is sent. */
  digest: string
  body: Body
}

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/
const common = ['event_id', 'event_type', 'schema_version'] as const
/** These may differ between two messages of one id: an operator's history, not the fact. */
const notCompared = new Set(['incarnation', 'reverts', 'forced'])

const validators = new WeakMap<EventDefinition, Validator>()

function validatorOf(event: EventDefinition): Validator {
  const known = validators.get(event)
  if (known) return known
  const made = Compile(event.body)
  validators.set(event, made)
  return made
}

/** Builds and checks a message of the catalogue; throws when the publisher is wrong, so that nothing invalid is ever sent. */
export function encodeMessage<Topic extends TopicDefinition>(
  topic: Topic,
  body: EventOf<Topic>,
  context: { correlation_id: string; traceparent: string; free?: Record<string, string> }
): OutgoingMessage {
  const fields: Record<string, unknown> = body
  const attributes: Record<string, string> = {}
  for (const name of [...common, ...topic.attributes]) attributes[name] = String(fields[name])
  Object.assign(attributes, context.free, { correlation_id: context.correlation_id, traceparent: context.traceparent })
  const data = JSON.stringify(body)
  if (Buffer.byteLength(data) > MAX_PAYLOAD_BYTES) {
    throw new Error(`${attributes.event_type} ${attributes.event_id} is larger than ${MAX_PAYLOAD_BYTES} bytes`)
  }
  const checked = check(topic, { body: fields, attributes })
  if ('fault' in checked)
    throw new Error(`${attributes.event_type} may not be published: ${checked.fault}: ${checked.detail}`)
  const key = fields[topic.orderingKey] ?? fields[topic.orderingKeyElse ?? topic.orderingKey]
  const ordering_key = `${topic.orderingKeyPrefix ?? ''}${String(key)}`
  return { topic: topic.name, event_id: String(fields.event_id), data, attributes, ordering_key }
}

/** Checks a message against its topic: WIRE's rules for attributes, type, version, body and ids. */
export function decodeMessage<Topic extends TopicDefinition>(
  topic: Topic,
  message: { data: string; attributes: Readonly<Record<string, string>> }
): { received: Received<EventOf<Topic>> } | { fault: Fault; detail: string } {
  const parsed = parseJsonObject(message.data)
  if ('fault' in parsed) return parsed
  const { attributes } = message
  const value = topic.complete?.(parsed.value) ?? parsed.value
  const checked = check(topic, { body: value, attributes })
  if ('fault' in checked) return checked
  const { event, body } = checked
  return {
    received: {
      event_id: String(value.event_id),
      correlation_id: attributes.correlation_id ?? '',
      traceparent: TRACEPARENT.test(attributes.traceparent ?? '') ? attributes.traceparent : undefined,
      attributes,
      digest: digestOf(event, value),
      body
    }
  }
}

function check<Topic extends TopicDefinition>(
  topic: Topic,
  { body, attributes }: { body: Record<string, unknown>; attributes: Readonly<Record<string, string>> }
): { event: EventDefinition; body: EventOf<Topic> } | { fault: Fault; detail: string } {
  const event = findEvent(topic, attributes, body)
  if ('fault' in event) return event

  const validator = validatorOf(event)
  if (!validator.Check(body)) {
    const first = validator.Errors(body)[0]
    return { fault: 'invalid', detail: `${first?.instancePath || '/'} ${first?.message ?? 'does not fit the schema'}` }
  }
  // The schema was checked on the line above; TypeScript can't follow it through the event's own type parameter.
  const typed = body as EventOf<Topic>
  for (const [name, id] of Object.entries(topic.derivedIds(typed))) {
    if (body[name] !== id)
      return { fault: 'id_mismatch', detail: `${name} is ${String(body[name])}, its parts give ${id}` }
  }
  return wrongAttribute(topic, attributes, body) ?? { event, body: typed }
}

function findEvent(
  topic: TopicDefinition,
  attributes: Readonly<Record<string, string>>,
  body: Record<string, unknown>
): EventDefinition | { fault: Fault; detail: string } {
  for (const type of [attributes.event_type, body.event_type]) {
    if (typeof type !== 'string' || topic.events.some(event => event.type === type)) continue
    const home = topicOfType(type)
    if (home) return { fault: 'wrong_topic', detail: `${type} belongs to ${home.name}` }
    return { fault: 'unknown_type', detail: `event_type ${type}` }
  }
  const type = attributes.event_type ?? body.event_type
  const event = topic.events.find(known => known.type === type)
  if (!event) return { fault: 'invalid', detail: 'event_type is missing' }
  for (const version of [attributes.schema_version, body.schema_version]) {
    if (version === undefined || (typeof version !== 'string' && typeof version !== 'number')) continue
    if (String(version) !== String(event.version)) {
      return {
        fault: 'unknown_version',
        detail: `${event.type} version ${version}; this consumer knows ${event.version}`
      }
    }
  }
  return event
}

function wrongAttribute(
  topic: TopicDefinition,
  attributes: Readonly<Record<string, string>>,
  body: Record<string, unknown>
): { fault: Fault; detail: string } | undefined {
  for (const name of [...common, ...topic.attributes]) {
    const value = attributes[name]
    if (value === undefined) return { fault: 'invalid', detail: `attribute ${name} is missing` }
    if (value !== String(body[name])) {
      return {
        fault: name.endsWith('_id') && name !== 'chain_id' ? 'id_mismatch' : 'invalid',
        detail: `attribute ${name} is ${value}, the body says ${String(body[name])}`
      }
    }
  }
  if (!attributes.correlation_id) return { fault: 'invalid', detail: 'attribute correlation_id is missing' }
  const unstorable = unstorableText(attributes.correlation_id)
  if (unstorable) return { fault: 'invalid', detail: `attribute correlation_id has ${unstorable}` }
  if (attributes.traceparent === undefined) return { fault: 'invalid', detail: 'attribute traceparent is missing' }
  for (const [name, values] of Object.entries(topic.freeAttributes)) {
    const value = attributes[name]
    if (value === undefined || !values.includes(value)) {
      return {
        fault: 'invalid',
        detail: `attribute ${name} is ${value ?? 'missing'}; it is one of ${values.join(', ')}`
      }
    }
  }
  return undefined
}

/** A field that isn't there doesn't count: an optional one that is declared later changes no digest that an inbox holds. */
function digestOf(event: EventDefinition, body: Record<string, unknown>): string {
  const compared = Object.keys(event.body.properties)
    .filter(name => !notCompared.has(name) && body[name] !== undefined)
    .sort()
  return createHash('sha256')
    .update(JSON.stringify(compared.map(name => [name, body[name]])))
    .digest('hex')
}
