import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { address, approved, deployed, modelChain } from '../read/model-fixture.ts'
import { type ModelDatabase, modelDatabase } from '../testing/model-relayer.ts'
import type { CrashPoint, Write } from '../world.ts'
import type { Lease } from './lease.ts'
import type { Store } from './store.ts'
import { chain, empty, everything, idAt, leaseOf, one, openStore, rangeOf } from './store-fixture.ts'

let database: ModelDatabase
before(async () => {
  database = await modelDatabase()
  const { sql } = database
  await sql`create table clock (now timestamptz not null)`
  await sql`insert into clock values ('2030-01-01T00:00:00Z')`
  await sql`create or replace function relayer_now() returns timestamptz language sql volatile as 'select now from clock'`
})
after(() => database.close())
beforeEach(async () => {
  await empty(database.sql)
  await database.sql`insert into clock values ('2030-01-01T00:00:00Z')`
})

const pass = (seconds: number) => database.sql`update clock set now = now + make_interval(secs => ${seconds})`

describe('the lease', () => {
  test('is one holder’s until it is over, by the database’s clock; the epoch rises when it changes hands', async () => {
    const [a, b] = [openStore(database.sql, { holder: 'a' }), openStore(database.sql, { holder: 'b' })]
    assert.equal((await leaseOf(a)).epoch, '1')
    assert.equal(await b.takeLease(), undefined)
    await pass(20)
    assert.equal((await leaseOf(a)).epoch, '1', 'renewing keeps the epoch')
    await pass(29)
    assert.equal(await b.takeLease(), undefined)
    await pass(1)
    assert.equal((await leaseOf(b)).epoch, '2')
    assert.equal(await a.takeLease(), undefined)
  })

  test('a write keeps it alive', async () => {
    const [a, b] = [openStore(database.sql, { holder: 'a' }), openStore(database.sql, { holder: 'b' })]
    const lease = await leaseOf(a)
    await pass(29)
    await a.commit(lease, await rangeOf(chain, { from: 0, to: 1 }))
    await pass(29)
    assert.equal(await b.takeLease(), undefined)
  })

  test('is given up by its holder alone', async () => {
    const [a, b] = [openStore(database.sql, { holder: 'a' }), openStore(database.sql, { holder: 'b' })]
    await leaseOf(a)
    await b.releaseLease()
    assert.equal(await b.takeLease(), undefined)
    await a.releaseLease()
    assert.equal((await leaseOf(b)).epoch, '2')
  })

  test('taken by many at once, it is one’s', async () => {
    const all = await Promise.all(['a', 'b', 'c', 'd'].map(holder => openStore(database.sql, { holder }).takeLease()))
    assert.equal(all.filter(Boolean).length, 1)
  })
})

type Work = (store: Store, lease: Lease) => Promise<unknown>
const halt = { reason: 'deep_reorg' as const, block_number: 3, stored_hash: '0xa', chain_hash: '0xb', resume_from: 3 }

/** Each write, in a state in which it has something to do. */
const writes: { name: Write; work: Work }[] = [
  { name: 'commit', work: async (store, lease) => store.commit(lease, await rangeOf(chain, { from: 4, to: 5 })) },
  { name: 'revert', work: (store, lease) => store.revert(lease, { from: idAt(chain, 3), to: idAt(chain, 1) }) },
  { name: 'raise', work: (store, lease) => store.raise(lease, { level: 'safe', upTo: 3 }) },
  { name: 'manifest', work: (store, lease) => store.state(lease, idAt(chain, 2)) },
  { name: 'halt', work: (store, lease) => store.stop(lease, halt) },
  {
    name: 'resume',
    work: (store, lease) =>
      store.resume(lease, { from: idAt(chain, 3), after: idAt(chain, 1), gone: [idAt(chain, 3).hash] })
  }
]

async function prepared(at: (point: CrashPoint) => void = () => undefined): Promise<{ store: Store; lease: Lease }> {
  const store = openStore(database.sql, { at })
  const lease = await leaseOf(store)
  await store.commit(lease, await rangeOf(chain, { from: 0, to: 3 }))
  await store.raise(lease, { level: 'finalized', upTo: 1 })
  return { store, lease }
}

describe('whoever lost the lease can’t write', () => {
  for (const { name, work } of writes) {
    test(name, async () => {
      const { store, lease } = await prepared()
      await pass(31)
      const other = openStore(database.sql, { holder: 'other' })
      await leaseOf(other)
      const before = await everything(database.sql)
      await assert.rejects(work(store, lease), {
        name: 'LeaseLost',
        message: /was taken by another relayer after epoch 1/
      })
      assert.deepEqual(await everything(database.sql), before)
      await pass(31)
      const again = await leaseOf(store)
      await assert.rejects(work(store, lease), { name: 'LeaseLost' }, 'an old epoch stays old')
      await work(store, again)
      assert.notDeepEqual(await everything(database.sql), before)
    })
  }
})

describe('a crash leaves all of a write or nothing', () => {
  for (const { name, work } of writes) {
    for (const step of ['begun', 'fenced', 'written', 'done'] as const) {
      test(`${name} ${step}`, async () => {
        let armed = false
        const { store, lease } = await prepared(point => {
          if (armed && point === `${name}_${step}`) throw new Error('crashed')
        })
        const before = await everything(database.sql)
        armed = true
        await assert.rejects(work(store, lease), /crashed/)
        armed = false
        const after = await everything(database.sql)
        if (step === 'done') assert.notDeepEqual(after, before)
        else assert.deepEqual(after, before)
      })
    }
  }
})

test('a crash between two parts of a rise leaves no final fact above the block that is known to be final', async () => {
  let parts = 0
  const store = openStore(database.sql, {
    at: point => {
      if (point === 'raise_done' && ++parts === 1) throw new Error('crashed')
    }
  })
  const lease = await leaseOf(store)
  const approvals = Array.from({ length: 2_100 }, (_, index) => approved(one, address(0x10000 + index)))
  await store.commit(lease, await rangeOf(modelChain([[], [[deployed(one)], approvals]]), { from: 0, to: 1 }))
  await assert.rejects(store.raise(lease, { level: 'finalized', upTo: 1 }), /crashed/)
  assert.equal((await store.checkpoint())?.finalized_number, 1)
  assert.equal(await store.raise(lease, { level: 'finalized', upTo: 1 }), 101)
})

test('work that was read from another checkpoint than the stored one is thrown away', async () => {
  const { store, lease } = await prepared()
  const before = await everything(database.sql)
  for (const range of [
    { from: 3, to: 5 },
    { from: 5, to: 5 }
  ])
    await assert.rejects(
      store.commit(lease, await rangeOf(chain, range)),
      /another relayer has moved the checkpoint of chain 31337/
    )
  assert.deepEqual(await everything(database.sql), before)
})

test('the first reason to halt stays until it is resumed', async () => {
  const { store, lease } = await prepared()
  assert.equal(await store.halt(), undefined)
  await store.stop(lease, halt)
  await store.stop(lease, { ...halt, block_number: 1 })
  assert.deepEqual(await store.halt(), halt)
  await store.resume(lease, { from: idAt(chain, 3), after: idAt(chain, 2), gone: [] })
  assert.equal(await store.halt(), undefined)
  assert.equal((await store.checkpoint())?.number, 2)
})
