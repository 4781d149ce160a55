import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { createLog } from '@fusion-prime/runtime'
import type { Level } from '../chain.ts'
import { address, approved, deployed, modelChain, refunded, released } from '../read/model-fixture.ts'
import type { BuiltBlock, ModelLog } from '../testing/blocks.ts'
import { type ModelDatabase, modelDatabase } from '../testing/model-relayer.ts'
import type { Lease } from './lease.ts'
import type { Store } from './store.ts'
import { alice, bob, empty, idAt, leaseOf, one, openStore, rangeOf, two } from './store-fixture.ts'

const stranger = address(0xa9)
/** `one` is deployed in block 1 and released in block 3; `two` lives in block 4, its refund even before its factory tells of it. */
const chainWith = (last: ModelLog) =>
  modelChain([
    [],
    [[deployed(one)]],
    [[approved(one, bob)]],
    [[released(one, stranger, 990)]],
    [[last], [deployed(two)]],
    []
  ])
const chain = chainWith(refunded(two, alice))

let database: ModelDatabase
let store: Store
let lease: Lease
let warned: Record<string, unknown>[]
before(async () => {
  database = await modelDatabase()
})
after(() => database.close())
beforeEach(async () => {
  await empty(database.sql)
  warned = []
  store = openStore(database.sql, { log: createLog('test', { write: line => void warned.push(JSON.parse(line)) }) })
  lease = await leaseOf(store)
})

const read = async (from: number, to: number, level: Level = 'seen', on: readonly BuiltBlock[] = chain) =>
  store.commit(lease, await rangeOf(on, { from, to, level }))
const raise = (level: 'safe' | 'finalized', upTo: number) => store.raise(lease, { level, upTo })

type Row = { event_id: string; ordering_key: string; data: string }
const commands = async () => [
  ...(await database.sql<Row[]>`
    select event_id, ordering_key, data from outbox where topic = 'settlement-commands' order by event_id`)
]
const finalIds = async () => {
  const rows = await database.sql<{ event_id: string }[]>`
    select event_id from outbox where topic = 'escrow-events' and attributes->>'finality' = 'finalized'
      and attributes->>'event_type' <> 'ApprovalGranted' order by event_id`
  return rows.map(({ event_id }) => event_id)
}
const told = async () =>
  (await commands())
    .map(({ data }) => JSON.parse(data))
    .map(({ command_type, escrow_address, payer, payee, amount }) => [
      command_type,
      escrow_address,
      payer,
      payee,
      amount
    ])
    .sort()

const all = [
  ['open', one, alice, bob, '1000'],
  ['open', two, alice, bob, '1000'],
  ['refund', two, alice, bob, '1000'],
  ['release', one, alice, stranger, '990']
]

const ways: { what: string; by: () => Promise<unknown> }[] = [
  { what: 'final when they are read', by: () => read(0, 5, 'finalized') },
  { what: 'raised from seen', by: () => read(0, 5).then(() => raise('finalized', 5)) },
  {
    what: 'raised from safe, block by block, and again',
    async by() {
      await read(0, 5)
      await raise('safe', 5)
      for (const upTo of [1, 2, 3, 4, 5, 5]) await raise('finalized', upTo)
    }
  },
  {
    what: 'read block by block, the first of them final',
    async by() {
      for (const number of [0, 1]) await read(number, number, 'finalized')
      for (const number of [2, 3, 4, 5]) await read(number, number)
      await raise('finalized', 5)
    }
  },
  {
    what: 'come back after a reorg',
    async by() {
      await read(0, 5)
      await store.revert(lease, { from: idAt(chain, 5), to: idAt(chain, 0) })
      await read(1, 5)
      await raise('finalized', 5)
    }
  }
]

describe('one command follows from each deployment and ending that is final, the same whichever way they came', () => {
  let first: Row[] | undefined
  for (const { what, by } of ways) {
    test(what, async () => {
      await by()
      const rows = await commands()
      assert.deepEqual(await told(), all)
      assert.deepEqual(
        rows.map(({ event_id }) => event_id),
        await finalIds()
      )
      first ??= rows
      assert.deepEqual(rows, first)
      assert.deepEqual(warned, [])
    })
  }
})

test('none follows from what isn’t final, or was taken back', async () => {
  await read(0, 5)
  await raise('safe', 5)
  await store.revert(lease, { from: idAt(chain, 5), to: idAt(chain, 2) })
  assert.deepEqual(await commands(), [])
  await raise('finalized', 2)
  assert.deepEqual(await told(), all.slice(0, 1))
})

test('none follows from a forced revert; from what is final again, one with the new id', async () => {
  await read(0, 5, 'finalized')
  const before = await commands()
  const gone = [3, 4, 5].map(number => idAt(chain, number).hash)
  await store.resume(lease, { from: idAt(chain, 5), after: idAt(chain, 2), gone })
  assert.deepEqual(await commands(), before)
  await read(3, 5)
  await raise('finalized', 5)
  assert.deepEqual(await told(), [...all, ...all.slice(1)].sort())
  assert.deepEqual(
    (await commands()).map(({ event_id }) => event_id),
    await finalIds()
  )
})

test('another branch’s escrow has that branch’s terms', async () => {
  const [from, fork] = [idAt(chain, 5), chainWith(released(two, stranger, 5))]
  await read(0, 5)
  await store.revert(lease, { from, to: idAt(chain, 3) })
  await read(4, 5, 'finalized', fork)
  assert.deepEqual(
    (await told()).filter(([, escrow]) => escrow === two),
    [all[1], ['release', two, alice, stranger, '5']]
  )
})

describe('an ending whose deployment isn’t known: its message, a warning, and no command', () => {
  const cases: [what: string, by: () => Promise<unknown>][] = [
    ['no row', () => database.sql`delete from escrows where escrow_address = ${one}`],
    ['taken back', () => database.sql`update escrows set gone = true where escrow_address = ${one}`]
  ]
  for (const [what, by] of cases) {
    test(what, async () => {
      await read(0, 5)
      await by()
      await raise('finalized', 5)
      assert.equal((await finalIds()).length, 4)
      assert.deepEqual(await told(), all.slice(0, 3))
      assert.deepEqual(
        warned.map(({ message, event_type, escrow_address }) => [message, event_type, escrow_address]),
        [['command_without_deployment', 'EscrowReleased', one]]
      )
    })
  }
})
