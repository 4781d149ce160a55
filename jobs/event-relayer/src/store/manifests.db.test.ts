import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, beforeEach, test } from 'node:test'
import { chainRanges, decodeMessage } from '@fusion-prime/events'
import { type ModelDatabase, modelDatabase } from '../testing/model-relayer.ts'
import type { Lease } from './lease.ts'
import type { Store } from './store.ts'
import { chain, empty, forkAfter, idAt, leaseOf, openStore, rangeOf } from './store-fixture.ts'

let database: ModelDatabase
let store: Store
let lease: Lease
before(async () => {
  database = await modelDatabase()
})
after(() => database.close())
beforeEach(async () => {
  await empty(database.sql)
  store = openStore(database.sql)
  lease = await leaseOf(store)
})

/** WIRE: SHA-256 over the sorted fact_ids, joined by a line feed. */
async function digestOf(from: number, to: number): Promise<{ count: number; digest: string }> {
  const rows = await database.sql<{ fact_id: string }[]>`
    select fact_id from facts where block_number between ${from} and ${to} and finality = 'finalized'`
  const ids = rows.map(({ fact_id }) => fact_id).sort()
  return { count: ids.length, digest: createHash('sha256').update(ids.join('\n')).digest('hex') }
}

async function stateUpTo(number: number) {
  await store.raise(lease, { level: 'finalized', upTo: number })
  return store.state(lease, idAt(chain, number))
}

async function messages() {
  const rows = await database.sql<{ data: string; attributes: Record<string, string> }[]>`
    select data, attributes from outbox where topic = 'chain.ranges.v1' order by seq`
  return rows.map(row => {
    const decoded = decodeMessage(chainRanges, row)
    assert.ok('received' in decoded)
    return decoded.received.body
  })
}

test('ranges follow each other without a gap; each names its facts by digest, and the digest before', async () => {
  await store.commit(lease, await rangeOf(chain, { from: 0, to: 5 }))
  const first = await stateUpTo(2)
  const second = await stateUpTo(3)
  const third = await stateUpTo(5)
  assert.deepEqual(first, {
    ...{ from_block: 0, from_hash: idAt(chain, 0).hash, to_block: 2, to_hash: idAt(chain, 2).hash, revision: 1 },
    ...(await digestOf(0, 2)),
    previous_digest: null
  })
  assert.equal(first?.count, 3)
  assert.deepEqual([second?.from_block, second?.to_block, second?.count], [3, 3, 2])
  assert.equal(second?.previous_digest, first?.digest)
  assert.deepEqual(
    [third?.from_block, third?.count, third?.digest],
    [4, 0, createHash('sha256').update('').digest('hex')]
  )
  assert.equal(third?.previous_digest, second?.digest)
  const said = await messages()
  assert.deepEqual(
    said.map(({ from_block, digest }) => [from_block, digest]),
    [first, second, third].map(manifest => [manifest?.from_block, manifest?.digest])
  )
})

test('what is stated isn’t stated again', async () => {
  await store.commit(lease, await rangeOf(chain, { from: 0, to: 5 }))
  await stateUpTo(3)
  assert.equal(await stateUpTo(3), undefined)
  assert.equal(await stateUpTo(2), undefined)
  assert.equal((await messages()).length, 1)
})

test('relaying that began later states from its first block on, also when that block was forgotten', async () => {
  await store.commit(lease, await rangeOf(chain, { from: 2, to: 5 }))
  const first = await stateUpTo(3)
  assert.deepEqual([first?.from_block, first?.previous_digest], [2, null])
  await store.prune(5)
  const second = await stateUpTo(5)
  assert.deepEqual([second?.from_block, second?.from_hash], [4, idAt(chain, 4).hash])
})

test('after a forced revert the ranges that it changed are stated anew, under other ids', async () => {
  await store.commit(lease, await rangeOf(chain, { from: 0, to: 5 }))
  await stateUpTo(2)
  const before = await stateUpTo(5)
  const gone = [3, 4, 5].map(number => idAt(chain, number).hash)
  await store.resume(lease, { from: idAt(chain, 5), after: idAt(chain, 2), gone })
  const other = forkAfter(2)
  await store.commit(lease, await rangeOf(other, { from: 3, to: 5 }))
  await store.raise(lease, { level: 'finalized', upTo: 5 })
  const after = await store.state(lease, idAt(other, 5))
  assert.deepEqual([before?.count, after?.count], [2, 0])
  assert.deepEqual([after?.from_block, after?.to_hash], [3, idAt(other, 5).hash])
  assert.equal(after?.previous_digest, before?.previous_digest)
  const said = await messages()
  assert.equal(new Set(said.map(({ event_id }) => event_id)).size, 3)
})
