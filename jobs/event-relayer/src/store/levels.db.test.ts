import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { address, approved, deployed, modelChain } from '../read/model-fixture.ts'
import { type ModelDatabase, modelDatabase } from '../testing/model-relayer.ts'
import type { Lease } from './lease.ts'
import type { Store } from './store.ts'
import { chain, empty, forkAfter, idAt, leaseOf, one, openStore, rangeOf, said, two } from './store-fixture.ts'

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

type Step = (store: Store, lease: Lease) => Promise<unknown>
const read =
  (from: number, to: number, { level = 'seen' as 'seen' | 'safe' | 'finalized', on = chain } = {}): Step =>
  async (store, lease) =>
    store.commit(lease, await rangeOf(on, { from, to, level }))
const raise =
  (level: 'safe' | 'finalized', upTo: number): Step =>
  (store, lease) =>
    store.raise(lease, { level, upTo })
const revert =
  (from: number, to: number, on = chain): Step =>
  (store, lease) =>
    store.revert(lease, { from: idAt(on, from), to: idAt(on, to) })
const resume =
  (from: number, after: number, gone: readonly number[]): Step =>
  (store, lease) =>
    store.resume(lease, {
      from: idAt(chain, from),
      after: idAt(chain, after),
      gone: gone.map(number => idAt(chain, number).hash)
    })

const lives = (level: string) => [
  `1 EscrowDeployed ${level} first`,
  `2 ApprovalGranted ${level} first`,
  `2 ApprovalGranted ${level} first`,
  `3 EscrowDeployed ${level} first`,
  `3 ApprovalGranted ${level} first`
]
const risen = (level: string) => lives(level).map(line => line.replace(' first', ''))
const newestFirst = (level: string) => risen(level).toReversed()

const stories: { what: string; steps: Step[]; says: string[] }[] = [
  { what: 'what is seen begins as seen, in chain order', steps: [read(0, 5)], says: lives('seen') },
  {
    what: 'what is final when it is read begins as final',
    steps: [read(0, 5, { level: 'finalized' })],
    says: lives('finalized')
  },
  {
    what: 'ranges make no difference to what is said',
    steps: [read(0, 0), read(1, 1), read(2, 2), read(3, 5)],
    says: lives('seen')
  },
  {
    what: 'each level is reached once',
    steps: [
      read(0, 5),
      raise('safe', 5),
      raise('safe', 5),
      raise('finalized', 5),
      raise('finalized', 5),
      raise('safe', 5)
    ],
    says: [...lives('seen'), ...risen('safe'), ...risen('finalized')]
  },
  {
    what: 'a level may be jumped over',
    steps: [read(0, 5), raise('finalized', 5)],
    says: [...lives('seen'), ...risen('finalized')]
  },
  {
    what: 'only what is not above the block rises',
    steps: [read(0, 5), raise('finalized', 1), raise('safe', 2)],
    says: [...lives('seen'), '1 EscrowDeployed finalized', '2 ApprovalGranted safe', '2 ApprovalGranted safe']
  },
  {
    what: 'a reorg takes back newest first',
    steps: [read(0, 5), revert(5, 0)],
    says: [...lives('seen'), ...newestFirst('reverted')]
  },
  {
    what: 'a reorg takes back only what is above its fork',
    steps: [read(0, 5), revert(5, 2)],
    says: [...lives('seen'), '3 ApprovalGranted reverted', '3 EscrowDeployed reverted']
  },
  {
    what: 'a reorg never takes back what is final',
    steps: [read(0, 5), raise('finalized', 2), revert(5, 0)],
    says: [
      ...lives('seen'),
      ...risen('finalized').slice(0, 3),
      '3 ApprovalGranted reverted',
      '3 EscrowDeployed reverted'
    ]
  },
  {
    what: 'A, then B, then A: a block that comes back begins anew, with the next number',
    steps: [read(0, 5), revert(5, 2), read(3, 5, { on: forkAfter(2) }), revert(5, 2, forkAfter(2)), read(3, 5)],
    says: [
      ...lives('seen'),
      '3 ApprovalGranted reverted',
      '3 EscrowDeployed reverted',
      '3 EscrowDeployed seen#2 first',
      '3 ApprovalGranted seen#2 first'
    ]
  },
  {
    what: 'a later incarnation rises under its number, but finalized has none',
    steps: [read(0, 5), revert(5, 2), read(3, 5), raise('safe', 5), raise('finalized', 5)],
    says: [
      ...lives('seen'),
      '3 ApprovalGranted reverted',
      '3 EscrowDeployed reverted',
      '3 EscrowDeployed seen#2 first',
      '3 ApprovalGranted seen#2 first',
      ...risen('safe').slice(0, 3),
      '3 EscrowDeployed safe#2',
      '3 ApprovalGranted safe#2',
      ...risen('finalized')
    ]
  },
  {
    what: 'each time that a block comes back counts',
    steps: [read(0, 5), revert(5, 2), read(3, 5), revert(5, 2), read(3, 5)],
    says: [
      ...lives('seen'),
      '3 ApprovalGranted reverted',
      '3 EscrowDeployed reverted',
      '3 EscrowDeployed seen#2 first',
      '3 ApprovalGranted seen#2 first',
      '3 ApprovalGranted reverted#2',
      '3 EscrowDeployed reverted#2',
      '3 EscrowDeployed seen#3 first',
      '3 ApprovalGranted seen#3 first'
    ]
  },
  {
    what: 'an operator’s resume takes back what is final, and it becomes final again under its number',
    steps: [read(0, 5), raise('finalized', 5), resume(5, 2, [3, 4, 5]), read(3, 5), raise('finalized', 5)],
    says: [
      ...lives('seen'),
      ...risen('finalized'),
      '3 ApprovalGranted reverted',
      '3 EscrowDeployed reverted',
      '3 EscrowDeployed seen#2 first',
      '3 ApprovalGranted seen#2 first',
      '3 EscrowDeployed finalized#2',
      '3 ApprovalGranted finalized#2'
    ]
  },
  {
    what: 'an operator’s resume leaves facts alone whose blocks stay, also when they are read anew',
    steps: [read(0, 5), raise('finalized', 5), resume(5, 0, []), read(1, 5), raise('finalized', 5)],
    says: [...lives('seen'), ...risen('finalized')]
  }
]

describe('what is said of the facts of two escrows', () => {
  for (const { what, steps, says } of stories) {
    test(what, async () => {
      for (const step of steps) await step(store, lease)
      assert.deepEqual(await said(database.sql), says)
    })
  }
})

const bodies = async (where: string) => {
  const rows = await database.sql<{ data: string }[]>`
    select data from outbox where topic = 'escrow-events' and attributes->>'finality' = ${where} order by seq`
  return rows.map(({ data }) => JSON.parse(data) as Record<string, unknown>)
}

describe('a revert names the newest level that was said', () => {
  const cases: [what: string, before: Step[], named: string, forced: true | undefined][] = [
    ['seen', [], 'seen', undefined],
    ['safe', [raise('safe', 5)], 'safe', undefined],
    ['finalized, by force', [raise('safe', 5), raise('finalized', 5)], 'finalized', true]
  ]
  for (const [what, before, named, forced] of cases) {
    test(what, async () => {
      for (const step of [read(0, 5), ...before]) await step(store, lease)
      const ids = new Map((await bodies(named)).map(({ fact_id, event_id }) => [fact_id, event_id]))
      await (forced ? resume(5, 2, [3, 4, 5]) : revert(5, 2))(store, lease)
      const reverts = await bodies('reverted')
      assert.equal(reverts.length, 2)
      for (const said of reverts) {
        assert.equal(said.reverts, ids.get(said.fact_id))
        assert.equal(said.forced, forced)
      }
    })
  }

  test('the first finalized message of a fact that had come back, which had no number', async () => {
    for (const step of [read(0, 5), revert(5, 2), read(3, 5), raise('finalized', 5)]) await step(store, lease)
    const ids = new Map((await bodies('finalized')).map(({ fact_id, event_id }) => [fact_id, event_id]))
    await resume(5, 2, [3, 4, 5])(store, lease)
    const forced = (await bodies('reverted')).filter(({ forced }) => forced)
    assert.equal(forced.length, 2)
    for (const said of forced) assert.equal(said.reverts, ids.get(said.fact_id))
  })
})

test('two approvals in one transaction are two facts', async () => {
  await read(0, 2)(store, lease)
  const rows = await database.sql<{ fact_id: string; transaction_hash: string; approver: string }[]>`
    select fact_id, body ->> 'transaction_hash' as transaction_hash, body ->> 'approver' as approver
    from facts where body ->> 'event_type' = 'ApprovalGranted'`
  assert.equal(rows.length, 2)
  for (const [name, count] of [
    ['fact_id', 2],
    ['transaction_hash', 1],
    ['approver', 2]
  ] as const)
    assert.equal(new Set(rows.map(row => row[name])).size, count, name)
})

test('escrows are watched while their deployment counts', async () => {
  await read(0, 5)(store, lease)
  assert.deepEqual([...(await store.escrows()).keys()].sort(), [one, two])
  await revert(5, 2)(store, lease)
  assert.deepEqual([...(await store.escrows()).keys()], [one])
  await read(3, 5)(store, lease)
  assert.deepEqual([...(await store.escrows()).keys()].sort(), [one, two])
})

test('nothing is deleted to undo: raw logs and blocks of a branch that was left stay', async () => {
  const { sql } = database
  const count = async () =>
    (await sql`select (select count(*)::int from raw_logs) as logs, (select count(*)::int from blocks) as blocks`)[0]
  await read(0, 5)(store, lease)
  assert.deepEqual(await count(), { logs: 5, blocks: 6 })
  await revert(5, 2)(store, lease)
  await read(3, 5, { on: forkAfter(2) })(store, lease)
  assert.deepEqual(await count(), { logs: 5, blocks: 9 })
  assert.deepEqual(
    [...(await store.blocksFrom(5, 2))],
    [5, 4].map(number => idAt(forkAfter(2), number))
  )
})

test('pruning forgets blocks that were stated and carry no log; those that a fork or a manifest may need stay', async () => {
  const left = async () => (await store.blocksFrom(9, 9)).map(({ number }) => number)
  await read(0, 5)(store, lease)
  await raise('finalized', 5)(store, lease)
  assert.equal(await store.prune(5), 0)
  await store.state(lease, idAt(chain, 0))
  assert.equal(await store.prune(5), 1)
  assert.deepEqual(await left(), [5, 4, 3, 2, 1], 'the next manifest begins after block 0')
  await store.state(lease, idAt(chain, 5))
  assert.equal(await store.prune(5), 1)
  assert.deepEqual(await left(), [5, 3, 2, 1])
  assert.equal(await store.prune(5), 0)
})

test('more facts than one transaction raises are raised all the same, in chain order', async () => {
  const approvals = Array.from({ length: 2_100 }, (_, index) => approved(one, address(0x10000 + index)))
  const dense = modelChain([[], [[deployed(one)], approvals]])
  await read(0, 1, { on: dense })(store, lease)
  assert.equal(await store.raise(lease, { level: 'finalized', upTo: 1 }), 2_101)
  const order = (await bodies('finalized')).map(({ log_index }) => log_index)
  assert.deepEqual(
    order,
    Array.from({ length: 2_101 }, (_, index) => index)
  )
  assert.equal((await store.checkpoint())?.finalized_number, 1)
})

test('a rise that would change nothing writes nothing; one without facts still says how far it came', async () => {
  const begun: string[] = []
  const watched = openStore(database.sql, { at: point => void (point === 'raise_begun' && begun.push(point)) })
  await read(0, 5)(watched, lease)
  const rises = [
    { upTo: 3, writes: 1, reached: 3 },
    { upTo: 3, writes: 0, reached: 3 },
    { upTo: 2, writes: 0, reached: 3 },
    { upTo: 5, writes: 1, reached: 5 },
    { upTo: 6, writes: 1, reached: 6 } // no block of it has a fact
  ]
  for (const { upTo, writes, reached } of rises) {
    begun.length = 0
    await watched.raise(lease, { level: 'finalized', upTo })
    assert.equal(begun.length, writes, `up to ${upTo}`)
    assert.equal((await watched.checkpoint())?.finalized_number, reached)
  }
})
