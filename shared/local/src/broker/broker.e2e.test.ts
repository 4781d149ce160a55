import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { until } from '../testing/wait.ts'
import { type BrokerOptions, createBroker } from './broker.ts'
import type { CatalogSubscription } from './catalog.ts'
import { createClients, createReceiver, PROJECT, type Push, subscriptionName } from './testing/support.ts'

const EMAIL = 'push-settlement@test-project.iam.gserviceaccount.com'
const RETRY = { minimumBackoffSeconds: 0.02, maximumBackoffSeconds: 0.05 }

const pushed: CatalogSubscription = {
  name: 'escrow-events-settlement',
  topic: 'escrow-events',
  kind: 'push',
  service: 'settlement',
  push_path: '/pubsub/escrow-events',
  filter: null,
  ordered: true,
  ack_deadline_seconds: 60,
  minimum_backoff_seconds: 10,
  maximum_backoff_seconds: 600,
  max_delivery_attempts: 100,
  dead_letter_topic: 'escrow-events-dlq',
  message_retention_seconds: 604_800
}
const pulled: CatalogSubscription = {
  ...pushed,
  name: 'escrow-events-dlq-pull',
  topic: 'escrow-events-dlq',
  kind: 'pull',
  service: null,
  push_path: null,
  ordered: false,
  max_delivery_attempts: null,
  dead_letter_topic: null
}
const catalog = { topics: [{ name: 'escrow-events' }, { name: 'escrow-events-dlq' }], subscriptions: [pushed, pulled] }

async function start(
  t: TestContext,
  answer: (push: Push) => number | Promise<number>,
  options: Partial<BrokerOptions> = {}
) {
  const minted: { audience: string; email: string }[] = []
  const receiver = await createReceiver(answer)
  const broker = await createBroker({
    project: PROJECT,
    retry: RETRY,
    mintToken: async claims => {
      minted.push(claims)
      return `header.${Buffer.from(JSON.stringify({ exp: Date.now() / 1000 + 3600 })).toString('base64url')}.signature`
    },
    ...options
  })
  const settlement = { url: receiver.url, audience: 'https://settlement.test', email: EMAIL }
  broker.applyCatalog(catalog, { endpoints: { settlement } })
  const clients = await createClients(broker.host)
  t.after(async () => {
    await clients.close()
    await broker.close()
    await receiver.close()
  })
  return { broker, clients, receiver, minted, topic: clients.pubsub.topic('escrow-events', { messageOrdering: true }) }
}

test('the client’s message is pushed in Google’s form, with a token that is reused', async t => {
  const { broker, receiver, minted, topic } = await start(t, () => 204)
  const before = Date.now()
  const attributes = { event_type: 'EscrowReleased', text: 'Zürich "1"\n' }
  const id = await topic.publishMessage({ data: Buffer.from('{"é":1}'), attributes, orderingKey: '0xab' })
  await topic.publishMessage({ attributes })
  await broker.idle()
  const [first, second] = receiver.pushes.toSorted(
    (a, b) => Number(a.body.message.messageId) - Number(b.body.message.messageId)
  )
  assert.ok(first && second)
  const publishTime = first.body.message.publishTime
  assert.deepEqual(first.body, {
    message: {
      data: Buffer.from('{"é":1}').toString('base64'),
      attributes,
      messageId: id,
      message_id: id,
      publishTime,
      publish_time: publishTime,
      orderingKey: '0xab'
    },
    subscription: subscriptionName('escrow-events-settlement'),
    deliveryAttempt: 1
  })
  assert.equal(new Date(publishTime).toISOString(), publishTime)
  assert.ok(Date.parse(publishTime) >= before && Date.parse(publishTime) <= Date.now())
  assert.deepEqual(Object.keys(second.body.message).sort(), [
    'attributes',
    'messageId',
    'message_id',
    'publishTime',
    'publish_time'
  ])
  assert.equal(first.path, '/pubsub/escrow-events')
  assert.equal(first.headers['content-type'], 'application/json')
  assert.match(first.headers.authorization ?? '', /^Bearer header\..+\.signature$/)
  assert.equal(first.headers.authorization, second.headers.authorization)
  assert.deepEqual(minted, [{ audience: 'https://settlement.test', email: EMAIL }])
})

test('keys arrive in order through refusals, hang-ups and endpoints that answer late', async t => {
  const arrived: string[] = []
  let turn = 0
  const { broker, topic } = await start(
    t,
    async ({ body: { message } }) => {
      arrived.push(`${message.orderingKey} ${Buffer.from(message.data ?? '', 'base64')}`)
      turn++
      if (turn === 5) await new Promise(resolve => setTimeout(resolve, 2500)) // beyond the ack deadline
      return turn % 7 === 0 ? 503 : 204
    },
    { ackDeadlineSeconds: 1 }
  )
  const ids = await Promise.all(
    Array.from({ length: 60 }, (_, index) =>
      topic.publishMessage({ data: Buffer.from(`${index}`), orderingKey: `key-${index % 4}` })
    )
  )
  assert.equal(new Set(ids).size, 60)
  await broker.idle()
  const keys = Map.groupBy(new Set(arrived), text => text.split(' ')[0])
  for (const texts of keys.values()) {
    const numbers = texts.map(text => Number(text.split(' ')[1]))
    assert.deepEqual(
      numbers,
      numbers.toSorted((a, b) => a - b)
    )
  }
  assert.equal([...keys.values()].flat().length, 60)
  const stats = broker.stats()['escrow-events-settlement']
  assert.equal(stats?.acked, 60)
  assert.equal(stats?.delivered, 60 + (stats?.nacked ?? 0))
  assert.ok((stats?.nacked ?? 0) >= 60 / 7, 'refusals and the late answer')
})

test('pushes wait for an endpoint that is away, and follow it to its new address', async t => {
  const { broker, receiver, topic } = await start(t, () => 204)
  const seen: (number | null)[] = []
  broker.onDelivery(({ status }) => void seen.push(status))
  broker.setEndpoint('settlement', 'http://127.0.0.1:1')
  await topic.publishMessage({ data: Buffer.from('x') })
  await until('two refused connections', () => seen.length >= 2)
  assert.equal(seen[0], null)
  broker.setEndpoint('settlement', receiver.url)
  await broker.idle()
  assert.equal(seen.at(-1), 204)
  assert.equal(receiver.pushes.length, 1)
})

test('102 is an ack whatever follows it', async t => {
  const { broker, receiver, topic } = await start(t, () => 102)
  await topic.publishMessage({ data: Buffer.from('x') })
  await broker.idle()
  assert.equal(receiver.pushes.length, 1)
})

test('a push without a token to be had is no push', async t => {
  let asked = 0
  const { broker, receiver, topic } = await start(t, () => 204, {
    mintToken: async () => {
      if (asked++ < 2) throw new Error('the issuer is away')
      return 'token'
    }
  })
  await topic.publishMessage({ data: Buffer.from('x') })
  await broker.idle()
  assert.deepEqual(
    receiver.pushes.map(({ headers, body }) => [headers.authorization, body.deliveryAttempt]),
    [['Bearer token', 3]]
  )
})

test('poison becomes a dead letter that the client can stream', async t => {
  const { broker, clients, topic, receiver } = await start(t, ({ body }) =>
    body.message.attributes?.poison ? 500 : 204
  )
  broker.applyCatalog(
    { topics: [], subscriptions: [{ ...pushed, name: 'poisoned', max_delivery_attempts: 5 }] },
    { endpoints: { settlement: { url: receiver.url, audience: 'a', email: EMAIL } } }
  )
  broker.setEndpoint('settlement', receiver.url)
  const letters = clients.pubsub.subscription('escrow-events-dlq-pull')
  const got = new Promise<Record<string, string>>((resolve, reject) => {
    letters.on('error', reject)
    letters.on('message', message => {
      message.ack()
      resolve(message.attributes)
    })
  })
  await topic.publishMessage({ data: Buffer.from('x'), attributes: { poison: 'yes' } })
  const attributes = await got
  await letters.close()
  assert.equal(attributes.poison, 'yes')
  assert.equal(attributes.CloudPubSubDeadLetterSourceSubscription, 'poisoned')
  await until('the letter is acked', () => broker.stats()['escrow-events-dlq-pull']?.acked === 1)
})

test('a catalogue may be applied again, and needs an endpoint or null for every service', async t => {
  const { broker, topic, receiver } = await start(t, () => 204)
  broker.applyCatalog(catalog, { endpoints: { settlement: null } })
  await topic.publishMessage({ data: Buffer.from('x') })
  await broker.idle()
  assert.equal(receiver.pushes.length, 0)
  assert.equal(broker.stats()['escrow-events-settlement']?.backlog, 1)
  assert.throws(() => broker.applyCatalog(catalog, { endpoints: {} }), /pushes to 'settlement', which has no endpoint/)
  assert.throws(() => broker.setEndpoint('risk-engine', receiver.url), /No endpoint of 'risk-engine'/)
  broker.applyCatalog(catalog, { endpoints: { settlement: { url: receiver.url, audience: 'a', email: EMAIL } } })
  await broker.idle()
  assert.equal(receiver.pushes.length, 1)
})

test('a stream holds as many as it asked for, and ends with its subscription', async t => {
  const { clients, broker } = await start(t, () => 204)
  await clients.pubsub.topic('escrow-events-dlq').publishMessage({ data: Buffer.from('1') })
  for (const text of ['2', '3'])
    await clients.pubsub.topic('escrow-events-dlq').publishMessage({ data: Buffer.from(text) })
  const stream = clients.pubsub.subscription('escrow-events-dlq-pull', {
    flowControl: { maxMessages: 2 },
    streamingOptions: { maxStreams: 1 }
  })
  t.after(() => stream.close())
  const held: { ack: () => void }[] = []
  const failed = once(stream, 'error')
  stream.on('message', message => held.push(message))
  await until('two messages', () => held.length === 2)
  assert.equal(broker.stats()['escrow-events-dlq-pull']?.outstanding, 2)
  held[0]?.ack()
  await until('the third message', () => held.length === 3)
  await clients.subscriber.deleteSubscription({ subscription: subscriptionName('escrow-events-dlq-pull') })
  const [error] = await failed
  assert.equal(error.code, 5)
})

test('faults come through HTTP too, and everything is acked in the end', async t => {
  const faults = { seed: 11, duplicate: 0.2, delay: { rate: 0.1, maxMs: 30 }, shuffle: 0.1, lostAck: 0.2 }
  const { broker, receiver, topic } = await start(t, () => 204, { faults })
  const publishing = Array.from({ length: 200 }, (_, index) =>
    topic.publishMessage({ data: Buffer.from(`${index}`), orderingKey: `key-${index % 5}` })
  )
  await Promise.all(publishing)
  await broker.idle()
  const stats = broker.stats()['escrow-events-settlement']
  assert.ok(stats)
  const { duplicates, delays, inversions, lostAcks } = stats.injected
  assert.ok(Math.min(duplicates, delays, inversions, lostAcks) > 0, JSON.stringify(stats.injected))
  assert.equal(stats.acked, 200)
  assert.equal(receiver.pushes.length, 200 + duplicates + lostAcks)
})
