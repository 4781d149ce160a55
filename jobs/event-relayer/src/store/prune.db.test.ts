import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { type ModelDatabase, modelDatabase } from '../testing/model-relayer.ts'
import type { Lease } from './lease.ts'
import { chain, empty, forkAfter, idAt, leaseOf, openStore, rangeOf } from './store-fixture.ts'

let database: ModelDatabase
let lease: Lease
before(async () => {
  database = await modelDatabase()
})
after(() => database.close())
beforeEach(async () => {
  await empty(database.sql)
  lease = await leaseOf(openStore(database.sql))
})

async function stored(): Promise<number[]> {
  const rows = await database.sql<{ number: number }[]>`
    select block_number::float8 as number from blocks order by block_number`
  return rows.map(({ number }) => number)
}

/** Reads from a block on, all of it final and stated. */
async function relayed(from: number): Promise<void> {
  const store = openStore(database.sql)
  await store.commit(lease, await rangeOf(chain, { from, to: 5 }))
  await store.raise(lease, { level: 'finalized', upTo: 5 })
  await store.state(lease, idAt(chain, 5))
}

test('a new process goes on where the one before left off', async () => {
  await relayed(0)
  assert.equal(await openStore(database.sql).prune(5), 2)
  await database.sql`
    insert into blocks (chain_id, block_hash, block_number, parent_hash, block_timestamp) values (31337, '0xold', 0, '0x', 0)`
  assert.equal(await openStore(database.sql).prune(6), 1)
  assert.deepEqual(await stored(), [0, 1, 2, 3])
})

test('what is read anew after a resume is pruned again', async () => {
  await relayed(0)
  await openStore(database.sql).prune(6)
  await openStore(database.sql).resume(lease, { from: idAt(chain, 5), after: idAt(chain, 3), gone: [] })
  await relayed(4)
  assert.deepEqual(await stored(), [1, 2, 3, 4, 5])
  assert.equal(await openStore(database.sql).prune(6), 2)
  assert.deepEqual(await stored(), [1, 2, 3])
})

test('blocks of a branch that was left are forgotten too, unless they carry logs', async () => {
  const store = openStore(database.sql)
  await store.commit(lease, await rangeOf(forkAfter(3), { from: 0, to: 5 }))
  await store.revert(lease, { from: idAt(forkAfter(3), 5), to: idAt(chain, 2) })
  await relayed(3)
  assert.deepEqual(await stored(), [0, 1, 2, 3, 4, 4, 5, 5])
  assert.equal(await store.prune(6), 5)
  assert.deepEqual(await stored(), [1, 2, 3])
})
