import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type TestDatabase, testDatabase } from '../../local/src/test-database.ts'
import { createSql, type Pool } from './create-sql.ts'
import { claimEvents, outboxMigrations, pruneInbox } from './index.ts'
import { migrate } from './migrate.ts'
import { appendOutbox, type OutboxMessage, outboxDepth, sweepOutbox } from './outbox.ts'
import { transaction } from './transaction.ts'

let database: TestDatabase
let sql: Pool
before(async () => {
  database = await testDatabase()
  sql = createSql({ url: database.url, max: 8, applicationName: 'test' })
  await migrate(sql, { folders: [outboxMigrations] })
})
beforeEach(() => sql`truncate outbox, processed_events`)
after(async () => {
  await sql?.end()
  await database?.close()
})

const message = (ordering_key: string, data: string): OutboxMessage => {
  return { topic: 't', event_id: randomUUID(), data, attributes: { text: 'ü "q" \\ \n' }, ordering_key }
}
/** `keys` keys with messages 0, 1, 2, … each, interleaved. */
const interleaved = (keys: number, each: number) =>
  Array.from({ length: keys * each }, (_, index) => message(`k${index % keys}`, String(Math.floor(index / keys))))
const texts = (messages: readonly OutboxMessage[]) =>
  messages.map(({ ordering_key, data }) => `${ordering_key} ${data}`)

/** Takes everything. */
function createTopic() {
  const arrived: OutboxMessage[] = []
  const publish = async (messages: readonly OutboxMessage[]) => {
    arrived.push(...messages)
    return messages.map(() => undefined)
  }
  return { arrived, publish }
}

function assertOrdered(arrived: readonly OutboxMessage[]): void {
  for (const [key, messages = []] of Object.entries(Object.groupBy(arrived, one => one.ordering_key))) {
    const numbers = messages.map(one => Number(one.data))
    assert.deepEqual(
      numbers,
      [...numbers].sort((a, b) => a - b),
      key
    )
  }
}

test('messages go out as they were written, in the order of writing, once', async () => {
  const messages = interleaved(3, 4)
  await appendOutbox(sql, messages.slice(0, 5))
  await appendOutbox(sql, messages.slice(5))
  const { arrived, publish } = createTopic()
  assert.deepEqual(await sweepOutbox(sql, publish), { published: 12, failed: 0, fault: undefined })
  assert.deepEqual(
    arrived.map(({ topic, event_id, data, attributes, ordering_key }) => ({
      topic,
      event_id,
      data,
      attributes,
      ordering_key
    })),
    messages
  )
  assert.deepEqual(await sweepOutbox(sql, publish), { published: 0, failed: 0, fault: undefined })
  assert.equal(arrived.length, 12)
})

test('an id that is there already stays as it is, published or not; on another topic it is another message', async () => {
  const one = message('k', '0')
  await appendOutbox(sql, [one, { ...one, data: 'other' }])
  await appendOutbox(sql, [
    { ...one, data: 'later' },
    { ...one, topic: 'u' }
  ])
  const { arrived, publish } = createTopic()
  await sweepOutbox(sql, publish)
  await appendOutbox(sql, [one])
  await sweepOutbox(sql, publish)
  assert.deepEqual(
    arrived.map(({ topic, data }) => [topic, data]),
    [
      ['t', '0'],
      ['u', '0']
    ]
  )
})

test('what fails stays, the rest is marked; the next sweep sends it', async () => {
  await appendOutbox(sql, interleaved(2, 3))
  const fault = new Error('away')
  const halfAway = async (messages: readonly OutboxMessage[]) =>
    messages.map(one => (one.ordering_key === 'k1' ? fault : undefined))
  assert.deepEqual(await sweepOutbox(sql, halfAway), { published: 3, failed: 3, fault })
  assert.equal((await outboxDepth(sql)).depth, 3)
  const { arrived, publish } = createTopic()
  await sweepOutbox(sql, publish)
  assert.deepEqual(texts(arrived), ['k1 0', 'k1 1', 'k1 2'])
  assert.deepEqual(await outboxDepth(sql), { depth: 0, oldest_seconds: 0 })
})

test('a crash between publishing and marking repeats the very same messages, and loses none', async () => {
  await appendOutbox(sql, interleaved(2, 2))
  const { arrived, publish } = createTopic()
  const crash = async (messages: readonly OutboxMessage[]) => {
    await publish(messages)
    throw new Error('killed')
  }
  await assert.rejects(sweepOutbox(sql, crash), /killed/)
  await sweepOutbox(sql, publish)
  assert.equal(arrived.length, 8)
  assert.deepEqual(arrived.slice(4), arrived.slice(0, 4))
})

test('sweepers that run at once take different keys, and order holds within each', async () => {
  const messages = interleaved(10, 30)
  const { arrived, publish } = createTopic()
  const slowly = async (batch: readonly OutboxMessage[]) => {
    await sleep(Math.random() * 5)
    return publish(batch)
  }
  let writing = true
  const write = async () => {
    for (let at = 0; at < messages.length; at += 10) await appendOutbox(sql, messages.slice(at, at + 10))
    writing = false
  }
  const sweep = async () => {
    while (writing || (await outboxDepth(sql)).depth > 0) await sweepOutbox(sql, slowly)
  }
  await Promise.all([write(), sweep(), sweep(), sweep()])
  assert.equal(arrived.length, 300)
  assert.equal(new Set(arrived.map(one => one.event_id)).size, 300)
  assertOrdered(arrived)
})

test('a key that another sweeper holds is left alone, the others aren’t', async () => {
  await appendOutbox(sql, [message('held', '0')])
  const { arrived, publish } = createTopic()
  const release = Promise.withResolvers<void>()
  const holding = Promise.withResolvers<void>()
  const first = sweepOutbox(sql, async messages => {
    holding.resolve()
    await release.promise
    return publish(messages)
  })
  await holding.promise
  await appendOutbox(sql, [message('held', '1'), message('free', '0')])
  assert.equal((await sweepOutbox(sql, publish)).published, 1)
  release.resolve()
  await first
  await sweepOutbox(sql, publish)
  assert.deepEqual(texts(arrived), ['free 0', 'held 0', 'held 1'])
})

test('a sweep is bounded; what is left comes next, in order', async () => {
  await appendOutbox(sql, interleaved(1, 1_200))
  const { arrived, publish } = createTopic()
  const sizes = []
  for (const _ of [1, 2, 3, 4]) sizes.push((await sweepOutbox(sql, publish)).published)
  assert.deepEqual(sizes, [500, 500, 200, 0])
  assertOrdered(arrived)
})

test('a topic that takes nothing doesn’t hold up another, however much of it waits', async () => {
  await appendOutbox(sql, [...interleaved(1, 1_200), { ...message('k', 'other'), topic: 'u' }])
  const { arrived, publish } = createTopic()
  const fault = new Error('no such topic')
  const onlyU = async (messages: readonly OutboxMessage[]) => {
    await publish(messages.filter(one => one.topic === 'u'))
    return messages.map(one => (one.topic === 'u' ? undefined : fault))
  }
  assert.deepEqual(await sweepOutbox(sql, onlyU), { published: 1, failed: 500, fault })
  assert.deepEqual(texts(arrived), ['k other'])
  assert.equal((await outboxDepth(sql)).depth, 1_200)
})

test('nothing of a transaction that rolls back goes out', async () => {
  const rolledBack = transaction(sql, async tx => {
    await appendOutbox(tx, [message('k', '0')])
    throw new Error('rolled back')
  })
  await assert.rejects(rolledBack, /rolled back/)
  assert.equal((await outboxDepth(sql)).depth, 0)
})

test('the inbox forgets what is older than its retention, and nothing else', async () => {
  const ids = [1, 2, 3].map(() => randomUUID())
  await claimEvents(sql, { topic: 't', events: ids.sort().map(event_id => ({ event_id, digest: 'd' })) })
  const age = (event_id: string | undefined, days: number) =>
    sql`update processed_events set processed_at = now() - make_interval(days => ${days}) where event_id = ${event_id ?? null}`
  await age(ids[0], 46)
  await age(ids[1], 44)
  assert.equal(await pruneInbox(sql, 45), 1)
  assert.equal(await pruneInbox(sql, 45), 0)
  const again = await claimEvents(sql, { topic: 't', events: ids.map(event_id => ({ event_id, digest: 'd' })) })
  assert.deepEqual(again, ['new', 'duplicate', 'duplicate'])
})
