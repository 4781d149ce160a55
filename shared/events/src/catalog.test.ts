import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { CommandOpen, settlementCommands } from './commands.ts'
import { type DeliveredBy, deadLetterTopic, secondsToDeadLetter } from './define.ts'
import { catalog, generateCatalog } from './generate.ts'
import { decodeMessage, encodeMessage } from './message.ts'
import { subscriptionList, subscriptions, topicList, topicOfType, topics } from './subscriptions.ts'

const { topics: allTopics, subscriptions: allSubscriptions } = catalog()

test('an event type belongs to one topic', () => {
  const types = topicList.flatMap(topic => topic.events.map(event => event.type))
  assert.equal(new Set(types).size, types.length)
  for (const topic of topicList) for (const event of topic.events) assert.equal(topicOfType(event.type), topic)
  assert.equal(topicOfType('toString'), undefined)
})

test('types of chain facts are PascalCase as on chain, all others snake_case', () => {
  for (const topic of topicList) {
    const style = topic.name === 'escrow-events' ? /^([A-Z][a-z]+)+$/ : /^[a-z]+(_[a-z]+)*$/
    for (const event of topic.events) assert.match(event.type, style)
  }
})

test('topics and subscriptions are keyed by their names, which Pub/Sub takes', () => {
  for (const [key, topic] of Object.entries(topics)) assert.equal(topic.name, key)
  for (const [key, subscription] of Object.entries(subscriptions)) assert.equal(subscription.name, key)
  const names = [...allTopics, ...allSubscriptions].map(({ name }) => name)
  for (const name of names) assert.match(name, /^(?!goog)[A-Za-z][A-Za-z0-9._~+%-]{2,254}$/)
  assert.equal(new Set(allTopics.map(({ name }) => name)).size, allTopics.length)
  assert.equal(new Set(allSubscriptions.map(({ name }) => name)).size, allSubscriptions.length)
  for (const { name, topic, service } of subscriptionList) {
    assert.equal(name, topic.name === 'market.prices.v1' ? `${service}-prices-consumer` : `${topic.name}-${service}`)
  }
})

for (const topic of topicList) {
  for (const event of topic.events) {
    test(`${topic.name}, ${event.type}: example, ordering key and attributes are in the body’s schema`, () => {
      const free = Object.fromEntries(Object.entries(topic.freeAttributes).map(([name, [value = '']]) => [name, value]))
      const traceparent = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`
      const message = encodeMessage(topic, event.example, { correlation_id: 'c', traceparent, free })
      assert.ok('received' in decodeMessage(topic, message))
      const keys = [topic.orderingKey, ...(topic.orderingKeyElse ? [topic.orderingKeyElse] : [])]
      for (const name of topic.attributes) assert.ok(event.body.required?.includes(name), name)
      assert.ok(keys.some(name => event.body.required?.includes(name)))
      assert.ok(message.ordering_key && !/null|undefined/.test(message.ordering_key))
      assert.ok(Object.keys(message.attributes).length <= 100)
    })
  }
}

for (const subscription of allSubscriptions.filter(({ kind }) => kind === 'push')) {
  test(`${subscription.name} keeps to Pub/Sub’s limits, and its dead letters are kept`, () => {
    const { filter, max_delivery_attempts: attempts, minimum_backoff_seconds, maximum_backoff_seconds } = subscription
    assert.ok(Buffer.byteLength(filter ?? '') <= 256)
    assert.ok(attempts !== null && attempts >= 5 && attempts <= 100)
    assert.ok(minimum_backoff_seconds >= 0 && minimum_backoff_seconds <= maximum_backoff_seconds)
    assert.ok(maximum_backoff_seconds <= 600)
    assert.ok(subscription.ack_deadline_seconds >= 10 && subscription.ack_deadline_seconds <= 600)
    assert.ok(subscription.message_retention_seconds >= 600 && subscription.message_retention_seconds <= 31 * 86_400)
    assert.equal(subscription.push_path, `/pubsub/${subscription.topic}`)

    const home = subscription.dead_letter_topic
    assert.equal(home, deadLetterTopic(subscription.topic))
    const topic = allTopics.find(({ name }) => name === home)
    assert.ok(topic?.dead_letter && topic.publishers.includes(subscription.service ?? ''))
    assert.equal(allSubscriptions.filter(({ kind, topic }) => kind === 'pull' && topic === home).length, 1)
  })

  test(`${subscription.name} is retried for at least 12 h before it becomes a dead letter, within its retention`, () => {
    const { seconds_to_dead_letter: seconds, message_retention_seconds } = subscription
    assert.ok(seconds !== null && seconds >= 12 * 3600 && seconds < message_retention_seconds)
  })
}

test('who acts once per fact gets first messages and reverts; all others get all', () => {
  const filtered = subscriptionList.filter(({ filter }) => filter !== null)
  const once = 'attributes.first = "true" OR attributes.finality = "reverted"'
  assert.deepEqual(Object.fromEntries(filtered.map(({ name, filter }) => [name, filter])), {
    'escrow-events-risk-engine': once,
    'escrow-events-compliance': once
  })
})

test('only facts are delivered in order', () => {
  for (const { name, ordered } of subscriptionList) assert.equal(ordered, name.startsWith('escrow-events-'), name)
})

test('a command says who it is in its own fields, so that its identity may be left out of the body', () => {
  const { event_id, event_type, ...body } = CommandOpen.example
  const attributes = { event_id, event_type, schema_version: '1', correlation_id: 'c', traceparent: '' }
  const decoded = decodeMessage(settlementCommands, { data: JSON.stringify(body), attributes })
  assert.ok('received' in decoded)
  assert.deepEqual(decoded.received.body, CommandOpen.example)
  const whole = decodeMessage(settlementCommands, { data: JSON.stringify(CommandOpen.example), attributes })
  assert.ok('received' in whole)
  assert.equal(whole.received.digest, decoded.received.digest)
  const other = { ...attributes, event_id: '5f0c954e-93ae-4b8a-8f0e-6b3f4a2f7c11' }
  const refused = decodeMessage(settlementCommands, { data: JSON.stringify(body), attributes: other })
  assert.equal('fault' in refused && refused.fault, 'id_mismatch')
})

const policies: [attempts: number, minimum: number, maximum: number, seconds: number][] = [
  [5, 10, 600, 10 + 20 + 40 + 80],
  [8, 10, 600, 10 + 20 + 40 + 80 + 160 + 320 + 600],
  [9, 10, 600, 10 + 20 + 40 + 80 + 160 + 320 + 600 + 600],
  [5, 0, 600, 0],
  [100, 10, 600, 630 + 93 * 600]
]
for (const [maxDeliveryAttempts, minimumBackoffSeconds, maximumBackoffSeconds, seconds] of policies) {
  test(`${maxDeliveryAttempts} attempts, ${minimumBackoffSeconds} to ${maximumBackoffSeconds} s apart: ${seconds} s`, () => {
    assert.equal(secondsToDeadLetter({ maxDeliveryAttempts, minimumBackoffSeconds, maximumBackoffSeconds }), seconds)
  })
}

for (const [path, content] of generateCatalog()) {
  test(`${path} is what the catalogue generates`, async () => {
    assert.equal(await readFile(join(import.meta.dirname, '../../..', path), 'utf8'), content)
  })
}

type Handlers<Event extends { event_type: string }> = { [Type in Event['event_type']]: () => string }
type EscrowHandlers = Handlers<DeliveredBy<(typeof subscriptions)['escrow-events-settlement']>>

test('a map of handlers over a subscription is total, or it doesn’t compile', () => {
  const handlers: EscrowHandlers = {
    EscrowDeployed: () => '',
    ApprovalGranted: () => '',
    EscrowReleased: () => '',
    EscrowRefunded: () => '',
    ArbiterChanged: () => ''
  }
  const { ArbiterChanged: _, ...four } = handlers
  // @ts-expect-error: one event of the subscription has no handler
  const incomplete: EscrowHandlers = four
  // @ts-expect-error: an event that the subscription doesn't deliver
  const excessive: EscrowHandlers = { ...handlers, escrow_funded: () => '' }
  const types = subscriptions['escrow-events-settlement'].topic.events.map(event => event.type)
  assert.deepEqual(Object.keys(handlers).sort(), [...types].sort())
  assert.equal(Object.keys(excessive).length - Object.keys(incomplete).length, 2)
})
