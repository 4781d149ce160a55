import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { EscrowFact, Received } from '@fusion-prime/events'
import { createSql, migrate, type Pool, type Sql, transaction } from '@fusion-prime/postgres'
import { type TestDatabase, testDatabase } from '../../local/src/test-database.ts'
import { atLevel, createFact, testAddress } from '../../local/src/testing/facts.ts'
import { factMigrations } from './index.ts'
import { projectEscrow, timelineOf } from './project.ts'
import { appendFacts, type EscrowKey, escrowKeys, loadHistories, lockEscrows } from './store.ts'

let database: TestDatabase
let sql: Pool
before(async () => {
  database = await testDatabase()
  sql = createSql({ url: database.url, max: 8, applicationName: 'test' })
  await migrate(sql, { folders: [factMigrations] })
  // What a service would keep of an escrow: how many facts its fold saw.
  await sql`create table folded (escrow_address text primary key, facts int not null)`
})
after(async () => {
  await sql?.end()
  await database?.close()
})

const received = (body: EscrowFact, correlation_id = 'test'): Received<EscrowFact> => {
  const { event_id } = body
  return { event_id, correlation_id, traceparent: undefined, attributes: {}, digest: '', body }
}
const keyOf = (name: string): EscrowKey => ({ chain_id: 31337, escrow_address: testAddress(name) })
const factsOf = ({ escrow_address }: EscrowKey, count: number) =>
  Array.from({ length: count }, (_, index) =>
    createFact('ApprovalGranted', { escrow_address, block_number: index + 1 })
  )

test('facts are kept as they came; levels and reverts are added, what is there stays', async () => {
  const key = keyOf('kept')
  const deployed = createFact('EscrowDeployed', { ...key, amount: String(2n ** 256n - 1n) })
  const forced = { ...atLevel(deployed, 'reverted', 2), forced: true, reverts: deployed.event_id }
  const said = [deployed, deployed, atLevel(deployed, 'safe'), atLevel(deployed, 'seen', 2), forced]
  await appendFacts(
    sql,
    said.map(body => received(body))
  )
  await appendFacts(
    sql,
    said.map(body => received(body, 'again'))
  )
  const [history = []] = await loadHistories(sql, [key])
  assert.deepEqual(
    history.map(fact => fact.body),
    [deployed]
  )
  assert.deepEqual(history[0]?.messages.map(one => `${one.finality}#${one.incarnation} ${one.forced}`).sort(), [
    'reverted#2 true',
    'safe#1 false',
    'seen#1 false',
    'seen#2 false'
  ])
  const correlations = await sql`select distinct correlation_id from fact_messages where fact_id = ${deployed.fact_id}`
  assert.deepEqual(
    correlations.map(row => row.correlation_id),
    ['test']
  )
})

test('"forced" on anything but a revert means nothing', async () => {
  const key = keyOf('forced')
  await appendFacts(sql, [received({ ...createFact('EscrowDeployed', key), forced: true })])
  const [history = []] = await loadHistories(sql, [key])
  assert.deepEqual(history[0]?.messages, [{ finality: 'seen', incarnation: 1, forced: false }])
})

test('histories come in the order of the keys, by chain and address; an unknown escrow has none', async () => {
  const [one, other] = [keyOf('one'), keyOf('other')]
  const elsewhere = { ...one, chain_id: 1 }
  await appendFacts(
    sql,
    [...factsOf(one, 2), ...factsOf(other, 1)].map(body => received(body))
  )
  await appendFacts(sql, [received(createFact('EscrowReleased', elsewhere))])
  const counted = await loadHistories(sql, [other, keyOf('never met'), one, elsewhere])
  assert.deepEqual(
    counted.map(history => history.length),
    [1, 0, 2, 1]
  )
  assert.deepEqual(await loadHistories(sql, []), [])
})

test('stored in any order, one by one or at once, an escrow folds into the same state', async () => {
  const facts = (key: EscrowKey) => {
    const deployed = createFact('EscrowDeployed', { ...key, block_number: 1 })
    const released = createFact('EscrowReleased', { ...key, block_number: 2 })
    return [
      deployed,
      released,
      atLevel(deployed, 'finalized'),
      atLevel(released, 'reverted'),
      atLevel(released, 'safe', 2)
    ]
  }
  const states = []
  for (const [index, batches] of [[5], [1, 1, 1, 1, 1], [2, 3]].entries()) {
    const key = { ...keyOf('orders'), chain_id: index }
    const left = facts(key).map(body => received(body))
    if (index > 0) left.reverse()
    for (const size of batches) await appendFacts(sql, left.splice(0, size))
    const [history = []] = await loadHistories(sql, [key])
    states.push({ ...projectEscrow(timelineOf(history)), chain_id: 0 })
  }
  assert.deepEqual([states[0]?.status, states[0]?.finality], ['released', 'safe'])
  assert.deepEqual(states, Array(3).fill(states[0]))
})

test('keys are distinct and in one order, whatever the order of the facts', () => {
  const facts = ['c', 'a', 'b', 'a'].flatMap(name => factsOf(keyOf(name), 1)).map(body => received(body))
  const keys = escrowKeys(facts)
  assert.equal(keys.length, 3)
  assert.deepEqual(escrowKeys([...facts].reverse()), keys)
})

/** As a consumer does it: append, then fold all and save what the fold saw. */
async function apply(tx: Sql, facts: EscrowFact[], appended?: () => Promise<void>): Promise<void> {
  const keys = escrowKeys(facts.map(body => received(body)))
  await appendFacts(
    tx,
    facts.map(body => received(body))
  )
  await appended?.()
  const histories = await loadHistories(tx, keys)
  for (const [index, { escrow_address }] of keys.entries()) {
    await tx`
      insert into folded (escrow_address, facts) values (${escrow_address}, ${histories[index]?.length ?? 0})
      on conflict (escrow_address) do update set facts = excluded.facts`
  }
}
const foldedFacts = async ({ escrow_address }: EscrowKey) =>
  (await sql`select facts from folded where escrow_address = ${escrow_address}`)[0]?.facts

test('under the lock, transactions that run at once on one escrow lose no fact', async () => {
  const key = keyOf('locked')
  const facts = factsOf(key, 40)
  await Promise.all(
    facts.map(fact =>
      transaction(sql, async tx => {
        await lockEscrows(tx, [key])
        await apply(tx, [fact])
      })
    )
  )
  assert.equal(await foldedFacts(key), 40)
})

test('without the lock they do: each folds before it can see the other’s fact', async () => {
  const key = keyOf('unlocked')
  let waiting = 0
  const bothAppended = Promise.withResolvers<void>()
  const appended = async () => {
    waiting += 1
    if (waiting === 2) bothAppended.resolve()
    await bothAppended.promise
  }
  await Promise.all(factsOf(key, 2).map(fact => transaction(sql, tx => apply(tx, [fact], appended))))
  assert.equal(await foldedFacts(key), 1)
})

test('transactions over the same escrows in opposite order don’t stop each other', async () => {
  const [one, other] = [keyOf('opposite one'), keyOf('opposite other')]
  const pairs = factsOf(one, 20).map((fact, index) => {
    const pair = [fact, createFact('ApprovalGranted', { ...other, block_number: index + 1 })]
    return index % 2 === 0 ? pair : pair.reverse()
  })
  await Promise.all(
    pairs.map(pair =>
      transaction(sql, async tx => {
        await lockEscrows(tx, escrowKeys(pair.map(body => received(body))))
        await apply(tx, pair)
      })
    )
  )
  assert.deepEqual([await foldedFacts(one), await foldedFacts(other)], [20, 20])
})
