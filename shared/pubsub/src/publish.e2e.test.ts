import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTestBroker, type TestBroker } from '../../local/src/testing/broker.ts'
import { createPublisher, type Publisher, type PubSubMessage } from './publish.ts'

const kept = (topic: string) => ({
  name: `${topic}-pull`,
  topic,
  kind: 'pull' as const,
  service: null,
  push_path: null,
  filter: null,
  ordered: true,
  ack_deadline_seconds: 60,
  minimum_backoff_seconds: 0,
  maximum_backoff_seconds: 0,
  max_delivery_attempts: null,
  dead_letter_topic: null,
  message_retention_seconds: 600
})
const topics = ['order', 'refused', 'away', 'plain']

let broker: TestBroker
let publisher: Publisher
before(async () => {
  broker = await createTestBroker({ topics: topics.map(name => ({ name })), subscriptions: topics.map(kept) })
  publisher = createPublisher({ project: 'test', timeoutMs: 1_000 })
})
after(async () => {
  await publisher?.close()
  await broker?.close()
})

const message = (topic: string, ordering_key: string, data: string): PubSubMessage => ({
  topic,
  data,
  attributes: { n: data },
  ordering_key
})
const publish = async (messages: PubSubMessage[]) =>
  (await publisher.publish(messages)).map(fault => (fault ? 'failed' : 'sent'))
const pulled = async (topic: string) =>
  (await broker.pull(`${topic}-pull`)).map(({ ordering_key, data }) => `${ordering_key} ${data}`)

test('messages arrive as they were, in order within each key', async () => {
  const all = Array.from({ length: 300 }, (_, index) => message('order', `key${index % 3}`, `${index} ü`))
  const halves = [all.slice(0, 150), all.slice(150)]
  for (const half of halves) assert.deepEqual(new Set(await publish(half)), new Set(['sent']))
  const arrived = await pulled('order')
  assert.equal(arrived.length, 300)
  for (const key of ['key0', 'key1', 'key2']) {
    const expected = all.filter(one => one.ordering_key === key).map(one => `${key} ${one.data}`)
    assert.deepEqual(
      arrived.filter(one => one.startsWith(key)),
      expected
    )
  }
})

test('without an ordering key, with bytes that aren’t text, with attributes alone', async () => {
  const bytes = { ...message('plain', '', ''), data: Buffer.from([0xff, 0x00]), attributes: {} }
  assert.deepEqual(await publish([bytes, message('plain', '', '')]), ['sent', 'sent'])
  assert.equal((await broker.pull('plain-pull')).length, 2)
})

test('a refused message is told, and fails the later ones of its key only; the next call goes on', async () => {
  const bad = { ...message('refused', 'a', '2'), attributes: { n: 'x'.repeat(2_000) } }
  const answers = await publish([bad, message('refused', 'a', '3'), message('refused', 'b', '1')])
  assert.deepEqual(answers, ['failed', 'failed', 'sent'])
  assert.deepEqual(await publish([message('refused', 'a', '3'), message('refused', 'a', '4')]), ['sent', 'sent'])
  assert.deepEqual((await pulled('refused')).sort(), ['a 3', 'a 4', 'b 1'])
})

test('a topic that isn’t there is told', async () => {
  assert.deepEqual(await publish([message('nowhere', 'a', '1'), message('plain', 'a', '1')]), ['failed', 'sent'])
})

test('while the broker is away a call fails within its bound; the keys go on in order when it is back', async () => {
  const messages = ['1', '2', '3'].map(data => message('away', 'a', data))
  await broker.stop()
  assert.deepEqual(await publish([...messages, message('away', 'b', '1')]), ['failed', 'failed', 'failed', 'failed'])
  assert.deepEqual(await publish(messages), ['failed', 'failed', 'failed'])
  await broker.start()
  let answers = await publish(messages)
  // The channel's own reconnection may take a while; until then a call fails as a whole.
  for (let tries = 0; tries < 100 && answers.includes('failed'); tries += 1) {
    await sleep(100)
    answers = await publish(messages)
  }
  assert.deepEqual(answers, ['sent', 'sent', 'sent'])
  assert.deepEqual((await pulled('away')).slice(-3), ['a 1', 'a 2', 'a 3'])
})

test('a broker that never answers is given up within the bound, not after the client’s own 600 s', {
  timeout: 30_000
}, async () => {
  const mute = createServer(socket => socket.unref()).listen(0, '127.0.0.1')
  await once(mute, 'listening')
  process.env.PUBSUB_EMULATOR_HOST = `127.0.0.1:${(mute.address() as AddressInfo).port}` // a TCP server that listens has one
  const unheard = createPublisher({ project: 'test', timeoutMs: 500 })
  const faults = await unheard.publish([message('away', 'a', '1'), message('away', '', '2')])
  assert.deepEqual(
    faults.map(fault => fault instanceof Error),
    [true, true]
  )
  await unheard.close()
  mute.close()
})
