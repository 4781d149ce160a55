import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, beforeEach, test } from 'node:test'
import {
  appendOutbox,
  createSql,
  migrate,
  type OutboxMessage,
  outboxMigrations,
  type Pool
} from '@fusion-prime/postgres'
import { createLog } from '@fusion-prime/runtime'
import { type TestDatabase, testDatabase } from '../../local/src/test-database.ts'
import { createOutboxSweeper } from './outbox-sweeper.ts'

let database: TestDatabase
let sql: Pool
let lines: Record<string, unknown>[] = []
const log = createLog('test', { write: line => void lines.push(JSON.parse(line)) })
before(async () => {
  database = await testDatabase()
  sql = createSql({ url: database.url, max: 8, applicationName: 'test' })
  await migrate(sql, { folders: [outboxMigrations] })
})
beforeEach(async () => {
  await sql`truncate outbox`
  lines = []
})
after(async () => {
  await sql?.end()
  await database?.close()
})

const write = (count: number) => {
  const message = (_: unknown, index: number): OutboxMessage => {
    return { topic: 't', event_id: randomUUID(), data: String(index), attributes: {}, ordering_key: 'k' }
  }
  return appendOutbox(sql, Array.from({ length: count }, message))
}

/** A topic that takes everything, or refuses it while it is away. */
function createTopic() {
  const topic = { arrived: [] as string[], calls: 0, away: false, publish }
  async function publish(messages: readonly OutboxMessage[]): Promise<(Error | undefined)[]> {
    topic.calls += 1
    if (topic.away) return messages.map(() => new Error('away'))
    topic.arrived.push(...messages.map(one => one.data))
    return messages.map(() => undefined)
  }
  return topic
}

test('a flush publishes what was committed before it', async () => {
  const topic = createTopic()
  const sweeper = createOutboxSweeper({ sql, publish: topic.publish, log })
  await write(3)
  await sweeper.flush()
  assert.deepEqual([topic.arrived, sweeper.isBehind()], [['0', '1', '2'], false])
})

test('… also when another flush is under way, which may have read before', async () => {
  const topic = createTopic()
  const gate = Promise.withResolvers<void>()
  const reached = Promise.withResolvers<void>()
  const slowly = async (messages: readonly OutboxMessage[]) => {
    reached.resolve()
    await gate.promise
    return topic.publish(messages)
  }
  const sweeper = createOutboxSweeper({ sql, publish: slowly, log })
  await write(1)
  const first = sweeper.flush()
  await reached.promise
  await write(1)
  const second = sweeper.flush()
  gate.resolve()
  await second
  assert.equal(topic.arrived.length, 2)
  await first
})

test('flushes at once share sweeps', async () => {
  const topic = createTopic()
  const sweeper = createOutboxSweeper({ sql, publish: topic.publish, log })
  await write(20)
  await Promise.all(Array.from({ length: 50 }, () => sweeper.flush()))
  assert.deepEqual([topic.arrived.length, topic.calls], [20, 1])
})

test('what can’t be published is no failure of the request: it is behind, and a later flush does it', async () => {
  const topic = createTopic()
  const sweeper = createOutboxSweeper({ sql, publish: topic.publish, log })
  topic.away = true
  await write(2)
  await sweeper.flush()
  assert.deepEqual([topic.arrived, sweeper.isBehind()], [[], true])
  assert.deepEqual(
    lines.map(line => [line.severity, line.message]),
    [['WARNING', 'outbox_publish_failed']]
  )
  topic.away = false
  await sweeper.flush()
  assert.deepEqual([topic.arrived, sweeper.isBehind()], [['0', '1'], false])
})

test('a publish that hangs holds a request up for a while only; what it does later still counts', async () => {
  const topic = createTopic()
  const gate = Promise.withResolvers<void>()
  const hanging = async (messages: readonly OutboxMessage[]) => {
    await gate.promise
    return topic.publish(messages)
  }
  const sweeper = createOutboxSweeper({ sql, publish: hanging, log })
  await write(1)
  await sweeper.flush()
  assert.deepEqual([topic.arrived, sweeper.isBehind()], [[], true])
  gate.resolve()
  await sweeper.flush()
  assert.deepEqual([topic.arrived, sweeper.isBehind()], [['0'], false])
})

test('without a database a flush doesn’t fail either', async () => {
  const nowhere = createSql({ url: 'postgres://nobody@127.0.0.1:1/none', max: 1, applicationName: 'test' })
  const sweeper = createOutboxSweeper({ sql: nowhere, publish: createTopic().publish, log })
  await sweeper.flush()
  assert.equal(sweeper.isBehind(), true)
  await nowhere.end()
})

test('a message that is never taken stays behind, alone', async () => {
  const topic = createTopic()
  const allButFirst = async (messages: readonly OutboxMessage[]) => {
    const faults = messages.map(one => (one.data === '0' ? new Error('refused') : undefined))
    await topic.publish(messages.filter((_, index) => !faults[index]))
    return faults
  }
  const sweeper = createOutboxSweeper({ sql, publish: allButFirst, log })
  await write(1_100)
  assert.deepEqual(await sweeper.sweep(), { published: 1_099, depth: 1 })
  assert.equal(sweeper.isBehind(), true)
})

test('a sweep does all that stands in the outbox, and says what is left', async () => {
  const topic = createTopic()
  const sweeper = createOutboxSweeper({ sql, publish: topic.publish, log })
  await write(1_100)
  assert.deepEqual(await sweeper.sweep(), { published: 1_100, depth: 0 })
  assert.deepEqual(topic.arrived.length, 1_100)
  topic.away = true
  await write(2)
  assert.deepEqual(await sweeper.sweep(), { published: 0, depth: 2 })
})
