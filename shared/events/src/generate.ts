import {
  deadLetterTopic,
  type EventDefinition,
  type SubscriptionDefinition,
  secondsToDeadLetter,
  type TopicDefinition
} from './define.ts'
import { subscriptionList, topicList } from './subscriptions.ts'

export type CatalogTopic = {
  name: string
  meaning: string
  ordering_key: string | null
  publishers: string[]
  dead_letter: boolean
}

export type CatalogSubscription = {
  name: string
  topic: string
  kind: 'push' | 'pull'
  service: string | null
  push_path: string | null
  filter: string | null
  ordered: boolean
  ack_deadline_seconds: number
  minimum_backoff_seconds: number
  maximum_backoff_seconds: number
  max_delivery_attempts: number | null
  dead_letter_topic: string | null
  message_retention_seconds: number
  seconds_to_dead_letter: number | null
}

/** What Terraform and the local broker read: every topic and subscription, dead-letter topics included. */
export type Catalog = { topics: CatalogTopic[]; subscriptions: CatalogSubscription[] }

/** Pub/Sub keeps messages for at most 31 days; dead letters wait that long for an operator. */
const DEAD_LETTER_RETENTION_SECONDS = 31 * 86_400

export function catalog(): Catalog {
  const pushed = [...new Set(subscriptionList.map(subscription => subscription.topic.name))]
  return {
    topics: [
      ...topicList.map(topic => ({
        name: topic.name,
        meaning: topic.meaning,
        ordering_key: topic.orderingKey,
        publishers: [...topic.publishers],
        dead_letter: false
      })),
      ...pushed.map(topic => ({
        name: deadLetterTopic(topic),
        meaning: `Messages of ${topic} that a consumer can’t handle, with the reason.`,
        ordering_key: null,
        publishers: subscriptionList.filter(({ topic: { name } }) => name === topic).map(({ service }) => service),
        dead_letter: true
      }))
    ],
    subscriptions: [...subscriptionList.map(pushSubscription), ...pushed.map(keptDeadLetters)]
  }
}

function pushSubscription(subscription: SubscriptionDefinition): CatalogSubscription {
  return {
    name: subscription.name,
    topic: subscription.topic.name,
    kind: 'push',
    service: subscription.service,
    push_path: `/pubsub/${subscription.topic.name}`,
    filter: subscription.filter,
    ordered: subscription.ordered,
    ack_deadline_seconds: subscription.ackDeadlineSeconds,
    minimum_backoff_seconds: subscription.minimumBackoffSeconds,
    maximum_backoff_seconds: subscription.maximumBackoffSeconds,
    max_delivery_attempts: subscription.maxDeliveryAttempts,
    dead_letter_topic: deadLetterTopic(subscription.topic.name),
    message_retention_seconds: subscription.messageRetentionSeconds,
    seconds_to_dead_letter: secondsToDeadLetter(subscription)
  }
}

/** A dead-letter topic without a subscription loses its messages. */
function keptDeadLetters(topic: string): CatalogSubscription {
  return {
    name: `${deadLetterTopic(topic)}-pull`,
    topic: deadLetterTopic(topic),
    kind: 'pull',
    service: null,
    push_path: null,
    filter: null,
    ordered: false,
    ack_deadline_seconds: 60,
    minimum_backoff_seconds: 10,
    maximum_backoff_seconds: 600,
    max_delivery_attempts: null,
    dead_letter_topic: null,
    message_retention_seconds: DEAD_LETTER_RETENTION_SECONDS,
    seconds_to_dead_letter: null
  }
}

function describeTopic(topic: TopicDefinition): string {
  const consumers = subscriptionList.filter(subscription => subscription.topic.name === topic.name)
  const attributes = ['event_id', 'event_type', 'schema_version', 'correlation_id', 'traceparent', ...topic.attributes]
  return [
    `## ${topic.name}`,
    topic.meaning,
    `Published by ${topic.publishers.join(', ')}. Ordering key: ${describeKey(topic)}. Attributes: ${[...attributes, ...Object.keys(topic.freeAttributes)].map(name => `\`${name}\``).join(', ')}.`,
    consumers.length > 0 ? consumerTable(consumers) : 'No push subscriptions.',
    ...topic.events.map(describeEvent)
  ].join('\n\n')
}

function describeKey({ orderingKey, orderingKeyElse, orderingKeyPrefix = '' }: TopicDefinition): string {
  const otherwise = orderingKeyElse ? `, else \`${orderingKeyElse}\`` : ''
  return `\`${orderingKeyPrefix}${orderingKey}\`${otherwise}`
}

function consumerTable(consumers: SubscriptionDefinition[]): string {
  const rows = consumers.map(
    one =>
      `| \`${one.name}\` | ${one.service} | ${one.filter ? `\`${one.filter}\`` : 'none'} | ${one.ackDeadlineSeconds} s | ${one.minimumBackoffSeconds}–${one.maximumBackoffSeconds} s | ${one.maxDeliveryAttempts} | ${(secondsToDeadLetter(one) / 3600).toFixed(1)} h |`
  )
  return [
    '| subscription | pushed to | filter | ack deadline | back-off | attempts | time to dead letter |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows
  ].join('\n')
}

function describeEvent(event: EventDefinition): string {
  const required = new Set<string>(event.body.required ?? [])
  const rows = Object.entries(event.body.properties).map(
    ([name, schema]) => `| \`${name}\` | ${describeSchema(schema)} | ${required.has(name) ? 'yes' : 'no'} |`
  )
  return [
    `### ${event.type} (version ${event.version})`,
    event.meaning,
    ['| field | value | required |', '| --- | --- | --- |', ...rows].join('\n'),
    ['```json', JSON.stringify(event.example, null, 2), '```'].join('\n')
  ].join('\n\n')
}

function describeSchema(schema: object): string {
  const {
    anyOf,
    const: constant,
    enum: values,
    format,
    pattern,
    type
  } = schema as {
    // JSON Schema's own keywords; TypeBox's static types don't expose them for a general TSchema.
    anyOf?: object[]
    const?: unknown
    enum?: unknown[]
    format?: string
    pattern?: string
    type?: string
  }
  if (anyOf) return anyOf.map(describeSchema).join(' or ')
  if (values) return values.map(value => `\`${JSON.stringify(value)}\``).join(' or ')
  if (constant !== undefined) return `\`${JSON.stringify(constant)}\``
  const detail = format ?? (pattern && `\`${pattern.replaceAll('|', '\\|')}\``)
  return detail ? `${type}, ${detail}` : String(type)
}

/** The generated files of this package: path from the project's root, and content. */
export function generateCatalog(): Map<string, string> {
  const events = [
    '# Events',
    'Generated from `shared/events/src`; `npm run gen` writes it anew.',
    ...topicList.map(describeTopic)
  ]
  return new Map([
    ['shared/events/catalog.json', `${JSON.stringify(catalog(), null, 2)}\n`],
    ['shared/events/EVENTS.md', `${events.join('\n\n')}\n`]
  ])
}
