import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createConsumer, createTestEngine } from './testing/engine.ts'
import { subscriptionName, topicName } from './testing/support.ts'

const DEAD_LETTER = { topic: topicName('letters'), maxDeliveryAttempts: 5 }

test('back-off doubles from the minimum to the maximum', () => {
  const { subscribe, publish, answerWith, wait, deliveries } = createTestEngine()
  subscribe({ retry: { minimumBackoffSeconds: 10, maximumBackoffSeconds: 60 } })
  answerWith(() => 'nack')
  publish('a-1')
  wait(200)
  assert.deepEqual(
    deliveries.map(({ seconds, attempt }) => [seconds, attempt]),
    [
      [0, 1],
      [10, 2],
      [30, 3],
      [70, 4],
      [130, 5],
      [190, 6]
    ]
  )
})

test('without a retry policy pushes slow down from 0.1 s to a minute', () => {
  const { subscribe, publish, answerWith, clock, deliveries } = createTestEngine()
  subscribe({ retry: null })
  answerWith(() => 'nack')
  publish('a-1')
  clock.advance(100)
  assert.equal(deliveries.length, 2)
})

test('one message of a key is out at a time, in publish order; other keys go on', () => {
  const { subscribe, publish, answerWith, texts } = createTestEngine()
  const { stats } = subscribe()
  answerWith(({ text }) => (text === 'a-1' ? 'hold' : 'ack'))
  publish('a-1', 'a-2', 'b-1', 'b-2', 'a-3')
  assert.deepEqual(texts(), ['a-1', 'b-1', 'b-2'])
  assert.equal(stats().outstanding, 1)
  assert.equal(stats().backlog, 2)
  answerWith(() => 'ack')
  assert.deepEqual(texts(), ['a-1', 'b-1', 'b-2', 'a-2', 'a-3'])
})

test('a refused message blocks its key until it is acked', () => {
  const { subscribe, publish, answerWith, wait, deliveries } = createTestEngine()
  subscribe()
  answerWith(({ text, attempt }) => (text === 'a-1' && attempt < 3 ? 'nack' : 'ack'))
  publish('a-1', 'a-2')
  wait(30)
  assert.deepEqual(
    deliveries.map(({ text, seconds }) => [text, seconds]),
    [
      ['a-1', 0],
      ['a-1', 10],
      ['a-1', 30],
      ['a-2', 30]
    ]
  )
})

test('without ordering, or without a key, messages go out together up to the cap', () => {
  const { subscribe, publish, answerWith, texts } = createTestEngine({ maxMessages: 3 })
  subscribe({ ordered: false })
  answerWith(() => 'hold')
  publish('a-1', 'a-2', 'a-3', 'a-4', 'a-5')
  assert.deepEqual(texts(), ['a-1', 'a-2', 'a-3'])
  answerWith(({ text }) => (text === 'a-2' ? 'ack' : 'hold'))
  assert.deepEqual(texts(), ['a-1', 'a-2', 'a-3', 'a-4'])
})

test('after its last attempt a message goes to the dead-letter topic, and its key goes on', () => {
  const { engine, subscribe, publish, answerWith, wait, texts, clock } = createTestEngine()
  const publishedAt = new Date(clock.now()).toISOString()
  engine.createTopic(DEAD_LETTER.topic)
  const { stats } = subscribe({ deadLetter: DEAD_LETTER })
  const letters = subscribe({ name: subscriptionName('letters'), topic: DEAD_LETTER.topic, push: null, ordered: false })
  answerWith(({ text }) => (text === 'a-1' ? 'nack' : 'ack'))
  const [id] = publish('a-1', 'a-2')
  wait(10 + 20 + 40 + 80)
  assert.deepEqual(texts(), ['a-1', 'a-1', 'a-1', 'a-1', 'a-1', 'a-2'])
  const { deadLettered, acked, nacked, backlog } = stats()
  assert.deepEqual({ deadLettered, acked, nacked, backlog }, { deadLettered: 1, acked: 1, nacked: 5, backlog: 0 })
  const [letter, ...more] = letters.take(createConsumer()).map(({ message }) => message)
  assert.equal(more.length, 0)
  assert.notEqual(letter?.id, id)
  assert.equal(letter?.data.toString(), 'a-1')
  assert.equal(letter?.orderingKey, 'a')
  assert.deepEqual(letter?.attributes, {
    CloudPubSubDeadLetterSourceDeliveryCount: '5',
    CloudPubSubDeadLetterSourceSubscription: 'consumer',
    CloudPubSubDeadLetterSourceSubscriptionProject: 'test-project',
    CloudPubSubDeadLetterSourceTopicPublishTime: publishedAt
  })
})

test('without its dead-letter topic a message is tried for ever rather than lost', () => {
  const { subscribe, publish, answerWith, wait, deliveries } = createTestEngine()
  const { stats } = subscribe({
    deadLetter: DEAD_LETTER,
    retry: { minimumBackoffSeconds: 1, maximumBackoffSeconds: 1 }
  })
  answerWith(() => 'nack')
  publish('a-1')
  wait(20)
  assert.equal(deliveries.length, 21)
  assert.equal(stats().backlog, 1)
})

test('messages older than the retention are dropped, and then their key goes on', () => {
  const { subscribe, publish, answerWith, wait, deliveries } = createTestEngine()
  const { stats } = subscribe({
    retentionSeconds: 600,
    retry: { minimumBackoffSeconds: 100, maximumBackoffSeconds: 100 }
  })
  answerWith(({ text }) => (text === 'a-1' ? 'nack' : 'ack'))
  publish('a-1')
  wait(300)
  publish('a-2')
  wait(299)
  assert.ok(deliveries.every(({ text }) => text === 'a-1'))
  wait(1)
  assert.equal(deliveries.at(-1)?.text, 'a-2')
  assert.equal(stats().expired, 1)
})

test('the retention holds for messages without a key too', () => {
  const { subscribe, publish, wait } = createTestEngine()
  const { take, stats } = subscribe({ push: null, ordered: false, retentionSeconds: 600 })
  publish('a-1')
  wait(599)
  publish('a-2')
  wait(1)
  assert.deepEqual(
    take(createConsumer()).map(({ message }) => message.data.toString()),
    ['a-2']
  )
  assert.equal(stats().expired, 1)
})

test('what the filter refuses is never seen and counts as acked', async () => {
  const { engine, subscribe, deliveries, answerWith } = createTestEngine()
  const { stats } = subscribe({ filter: 'attributes.kind = "x"' })
  const data = Buffer.from('text')
  const kinds = [{ kind: 'x' }, { kind: 'y' }, {}]
  engine.publish(
    topicName('events'),
    kinds.map(attributes => ({ data, attributes, orderingKey: '' }))
  )
  answerWith(() => 'ack')
  assert.equal(deliveries.length, 1)
  assert.equal(stats().published, 1)
  await engine.idle()
})

test('a pulled message comes again after its ack deadline, unless that was moved', () => {
  const { subscribe, publish, wait } = createTestEngine()
  const { take, extend, ack } = subscribe({ push: null, ordered: false, retry: null })
  publish('a-1', 'b-1')
  const [first, second] = take(createConsumer())
  wait(30)
  assert.ok(second && extend(second.ackId, 100))
  wait(30)
  const again = take(createConsumer())
  assert.deepEqual(
    again.map(({ message, attempt }) => [message.id, attempt]),
    [[first?.message.id, 2]]
  )
  assert.equal(first && ack(first.ackId), false, 'an ack after the deadline is void')
  wait(69)
  assert.equal(ack(second.ackId), true)
})

test('a pulled key comes in batches, and what follows a refused message comes again even if acked', () => {
  const { subscribe, publish } = createTestEngine()
  const { take, ack, nack, stats } = subscribe({ push: null, retry: null })
  const pull = () => take(createConsumer())
  const texts = (leases: ReturnType<typeof pull>) => leases.map(({ message }) => message.data.toString())
  publish('a-1', 'a-2', 'a-3')
  const [one, two, three] = pull()
  publish('a-4')
  assert.deepEqual(pull(), [])
  assert.ok(one && two && three)
  for (const { ackId } of [one, three]) ack(ackId)
  nack(two.ackId)
  const again = pull()
  assert.deepEqual(texts(again), ['a-2', 'a-3', 'a-4'])
  for (const { ackId } of again) ack(ackId)
  assert.equal(stats().acked, 4)
  assert.equal(stats().backlog + stats().outstanding, 0)
})

test('idle waits for pushes that are out or held back by back-off', async () => {
  const { engine, subscribe, publish, answerWith, wait } = createTestEngine()
  subscribe()
  answerWith(({ attempt }) => (attempt === 1 ? 'nack' : 'ack'))
  publish('a-1')
  let isIdle = false
  const idle = engine.idle().then(() => {
    isIdle = true
  })
  await Promise.resolve()
  assert.equal(isIdle, false)
  wait(10)
  await idle
})

test('a deleted topic’s subscriptions keep what they have and get nothing more', () => {
  const { engine, subscribe, publish } = createTestEngine()
  const { config, take } = subscribe({ push: null })
  publish('a-1')
  engine.deleteTopic(config.topic)
  engine.createTopic(topicName('events'))
  publish('a-2')
  assert.equal(config.topic, '_deleted-topic_')
  assert.deepEqual(
    take(createConsumer()).map(({ message }) => message.data.toString()),
    ['a-1']
  )
})
