import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import {
  createSql,
  isDataFault,
  migrate,
  type OutboxMessage,
  outboxMigrations,
  type Pool,
  type Sql
} from '@fusion-prime/postgres'
import { type TestDatabase, testDatabase } from '../../local/src/test-database.ts'
import { commitBatch, type Delivery, type Settled } from './commit-batch.ts'
import { createGroupCommit } from './group-commit.ts'

let database: TestDatabase
let sql: Pool
before(async () => {
  database = await testDatabase()
  sql = createSql({ url: database.url, max: 8, applicationName: 'test' })
  await migrate(sql, { folders: [outboxMigrations] })
  await sql`create table effects (name text not null, amount numeric not null check (amount >= 0))`
})
after(async () => {
  await sql?.end()
  await database?.close()
})

type Body = { name: string; amount: number }
const delivery = (body: Body, event_id: string = randomUUID()): Delivery<Body, undefined> => ({
  event_id,
  correlation_id: 'test',
  traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`,
  attributes: {},
  digest: JSON.stringify(body),
  body,
  prepared: undefined
})
const outgoing = ({ event_id, body }: Delivery<Body, undefined>): OutboxMessage => {
  return { topic: 'out', event_id, data: body.name, attributes: { a: 'b' }, ordering_key: body.name }
}
async function handle(tx: Sql, events: Delivery<Body, undefined>[]): Promise<OutboxMessage[]> {
  await tx`
    insert into effects (name, amount)
    select * from unnest(${events.map(one => one.body.name)}::text[], ${events.map(one => one.body.amount)}::numeric[])`
  return events.map(outgoing)
}
const commit = (deliveries: Delivery<Body, undefined>[]) => commitBatch(deliveries, { sql, topic: 'in', handle })
const claims = (settled: Settled[]) => settled.map(({ claim }) => claim)

/** Effects, outbox rows and inbox rows whose name or id belongs to the deliveries. */
async function rowsOf(deliveries: Delivery<Body, undefined>[]): Promise<Record<string, number> | undefined> {
  const names = deliveries.map(one => one.body.name)
  const ids = deliveries.map(one => one.event_id)
  const [row] = await sql<Record<string, number>[]>`
    select (select count(*)::int from effects where name = any (${names}::text[])) as effects,
      (select count(*)::int from outbox where event_id = any (${ids}::uuid[])) as outbox,
      (select count(*)::int from processed_events where event_id = any (${ids}::uuid[])) as inbox`
  return row
}

test('new messages have their effect, their claim and what goes out in one transaction', async () => {
  const deliveries = ['a1', 'a2', 'a3'].map(name => delivery({ name, amount: 1 }))
  assert.deepEqual(await commit(deliveries), Array(3).fill({ claim: 'new', announced: true }))
  assert.deepEqual(await rowsOf(deliveries), { effects: 3, outbox: 3, inbox: 3 })
  const [row] = await sql`select topic, ordering_key, data, attributes, published_at from outbox where data = 'a2'`
  assert.deepEqual(
    { ...row },
    { topic: 'out', ordering_key: 'a2', data: 'a2', attributes: { a: 'b' }, published_at: null }
  )
})

test('a duplicate has no effect, in a batch and later; deliveries after the first are counted', async () => {
  const first = delivery({ name: 'dup', amount: 1 })
  const other = delivery({ name: 'dup other', amount: 1 })
  assert.deepEqual(claims(await commit([first, other, { ...first }])), ['new', 'new', 'duplicate'])
  assert.deepEqual(await commit([{ ...first }, { ...first }]), Array(2).fill({ claim: 'duplicate', announced: false }))
  assert.deepEqual(await rowsOf([first, other]), { effects: 2, outbox: 2, inbox: 2 })
  const [row] = await sql`select duplicates::int from processed_events where event_id = ${first.event_id}`
  assert.equal(row?.duplicates, 3)
})

test('an id that comes with another body is told apart, in a batch and later, and changes nothing', async () => {
  const first = delivery({ name: 'reused', amount: 1 })
  const other = delivery({ name: 'reused', amount: 2 }, first.event_id)
  assert.deepEqual(claims(await commit([first, other])), ['new', 'id_reused'])
  assert.deepEqual(claims(await commit([other, first, other])), ['id_reused', 'duplicate', 'id_reused'])
  assert.deepEqual(await rowsOf([first]), { effects: 1, outbox: 1, inbox: 1 })
  const amounts = await sql`select amount from effects where name = 'reused'`
  assert.deepEqual(
    amounts.map(row => row.amount),
    ['1']
  )
})

test('the same id on another topic is another message', async () => {
  const one = delivery({ name: 'topics', amount: 1 })
  await commit([one])
  const elsewhere = await commitBatch([one], { sql, topic: 'another', handle: async () => [] })
  assert.deepEqual(elsewhere, [{ claim: 'new', announced: false }])
})

test('what throws leaves nothing behind, not even its claim', async () => {
  const deliveries = [delivery({ name: 'rolled back', amount: 1 }), delivery({ name: 'refused', amount: -1 })]
  await assert.rejects(commit(deliveries), isDataFault)
  assert.deepEqual(await rowsOf(deliveries), { effects: 0, outbox: 0, inbox: 0 })
  assert.deepEqual(claims(await commit(deliveries.slice(0, 1))), ['new'])
})

test('what is told after the commit is told of what was committed, and once', async () => {
  const told: string[][] = []
  const telling = (deliveries: Delivery<Body, undefined>[]) =>
    commitBatch(deliveries, {
      sql,
      topic: 'in',
      async handle(tx, events) {
        const names = events.map(one => one.body.name)
        const committed = () => void told.push(names)
        const before = told.length
        const outgoing = await handle(tx, events)
        assert.equal(told.length, before)
        return { outgoing, committed }
      }
    })
  const deliveries = [delivery({ name: 'told', amount: 1 }), delivery({ name: 'not told', amount: -1 })]
  await assert.rejects(telling(deliveries), isDataFault)
  assert.deepEqual(told, [])
  const settled = [{ claim: 'new', announced: true }]
  assert.deepEqual(await telling(deliveries.slice(0, 1)), settled)
  assert.deepEqual(claims(await telling(deliveries.slice(0, 1))), ['duplicate'])
  assert.deepEqual(told, [['told']])
  assert.deepEqual(await rowsOf(deliveries), { effects: 1, outbox: 1, inbox: 1 })
})

test('of 50 messages with a bad one, 49 have their effect', async () => {
  const deliveries = Array.from({ length: 50 }, (_, index) =>
    delivery({ name: `of50 ${index}`, amount: index === 31 ? -1 : index })
  )
  const batches = createGroupCommit<Delivery<Body, undefined>, Settled>({
    commit,
    isItemFault: isDataFault,
    maxBatch: 200
  })
  const answers = await Promise.allSettled(deliveries.map(one => batches.submit(one)))
  const failed = answers.flatMap((one, index) => (one.status === 'rejected' ? index : []))
  assert.deepEqual(failed, [31])
  assert.deepEqual(await rowsOf(deliveries), { effects: 49, outbox: 49, inbox: 49 })
})

test('batches with the same ids, at once and in any order: one of them has the effect, none is stuck', async () => {
  const deliveries = Array.from({ length: 20 }, (_, index) => delivery({ name: `race ${index}`, amount: 1 }))
  const orders = [
    deliveries,
    [...deliveries].reverse(),
    deliveries.slice(10),
    [...deliveries.slice(5), ...deliveries.slice(0, 5)]
  ]
  const settled = await Promise.all(orders.map(commit))
  assert.equal(settled.flat().filter(({ claim }) => claim === 'new').length, 20)
  assert.equal(settled.flat().filter(({ claim }) => claim === 'duplicate').length, 50)
  assert.deepEqual(await rowsOf(deliveries), { effects: 20, outbox: 20, inbox: 20 })
})

test('without the inbox the effect is doubled: the counts above can fail', async () => {
  const one = delivery({ name: 'no inbox', amount: 1 })
  const everyoneIsNew = async (_: Sql, { events }: { events: readonly unknown[] }) => events.map(() => 'new' as const)
  for (const _ of [1, 2]) await commitBatch([one], { sql, topic: 'in', handle, claim: everyoneIsNew })
  assert.equal((await rowsOf([one]))?.effects, 2)
})
