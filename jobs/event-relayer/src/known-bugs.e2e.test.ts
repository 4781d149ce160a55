import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createTestBroker } from '@fusion-prime/local/testing/broker.ts'
import type { OutboxMessage } from '@fusion-prime/postgres'
import { createPublisher } from '@fusion-prime/pubsub'
import { PermanentError } from '@fusion-prime/runtime'
import { address, approved, deployed, fault, type Lie, modelChain } from './read/model-fixture.ts'
import type { BuiltBlock } from './testing/blocks.ts'
import {
  type ModelDatabase,
  type ModelNode,
  type ModelOptions,
  type ModelRelayer,
  modelDatabase,
  modelNode,
  modelRelayer
} from './testing/model-relayer.ts'

const [one, alice, bob] = [address(0xe1), address(0xa1), address(0xa2)]
const quiet = (blocks: number) => Array.from({ length: blocks }, () => [])
/** Escrow `one` is deployed in block 2 and approved in block 5. */
const life = modelChain([...quiet(2), [[deployed(one)]], ...quiet(2), [[approved(one, alice)]], ...quiet(3)])

let database: ModelDatabase
const running: ModelRelayer[] = []
before(async () => {
  database = await modelDatabase()
})
after(async () => {
  for (const relayer of running) await relayer.close()
  await database.close()
})
beforeEach(async () => {
  const { sql } = database
  const tables = await sql<{ name: string }[]>`
    select tablename as name from pg_tables where schemaname = 'public' and tablename <> 'schema_migrations'`
  await sql.unsafe(`truncate ${tables.map(({ name }) => name).join(', ')} restart identity`)
})

/** A process: it begins with nothing but what the database holds. */
function start(nodes: ModelNode | readonly ModelNode[], options: Partial<ModelOptions> = {}): ModelRelayer {
  const relayer = modelRelayer({ url: database.url, nodes: [nodes].flat(), ...options })
  running.push(relayer)
  return relayer
}

/** It gives the lease up as a process does that ends. */
async function run(nodes: ModelNode | readonly ModelNode[], options: Partial<ModelOptions> = {}) {
  const relayer = start(nodes, options)
  await relayer.tick().finally(relayer.release)
  return relayer
}

const checkpoint = async () =>
  (await database.sql<{ number: number }[]>`select block_number::int as number from checkpoints`)[0]?.number
const describeMessage = ({ attributes, data }: Pick<OutboxMessage, 'attributes' | 'data'>) =>
  `${(JSON.parse(data) as { block_number: number }).block_number} ${attributes.event_type}`
const told = (messages: readonly OutboxMessage[]) =>
  messages.filter(({ attributes }) => attributes.first === 'true').map(describeMessage)
const pulled = (topic: string) => ({
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
const both = ['2 EscrowDeployed', '5 ApprovalGranted']

describe('known bugs of such relayers', () => {
  describe('an error is logged and the cursor moves all the same', () => {
    const errors: [what: string, lies: Record<string, Lie>][] = [
      ['logs fail', { eth_getLogs: fault('retry') }],
      ['logs are refused', { eth_getLogs: fault('give_up') }],
      ['headers fail', { eth_getBlockByNumber: fault('retry') }],
      ['receipts fail', { eth_getBlockReceipts: fault('retry') }],
      ['a log is malformed JSON-RPC', { eth_getLogs: () => [{ nonsense: true }] }],
      ['logs are null', { eth_getLogs: () => null }]
    ]
    for (const [what, lies] of errors) {
      test(what, async () => {
        const node = modelNode(life.slice(0, 2))
        await run(node)
        const before = await checkpoint()
        Object.assign(node, { chain: life, lies })
        await assert.rejects(run(node))
        assert.equal(await checkpoint(), before)
        node.lies = {}
        assert.deepEqual(told((await run(node)).published), both)
      })
    }
  })

  test('fast-forward when more than 500 blocks behind', async () => {
    const long = modelChain([...quiet(2), [[deployed(one)]], ...quiet(700), [[approved(one)]], ...quiet(700)])
    const node = modelNode(long.slice(0, 1))
    await run(node)
    node.chain = long
    const { published } = await run(node)
    assert.deepEqual(told(published), ['2 EscrowDeployed', '703 ApprovalGranted'])
    assert.equal(await checkpoint(), long.length - 1)
  })

  test('starting at the latest block when there is no checkpoint', async () => {
    await assert.rejects(
      run(modelNode(life), { env: { START_BLOCK: '' } }),
      (error: unknown) => error instanceof PermanentError && /START_BLOCK is missing/.test(error.message)
    )
    assert.equal(await checkpoint(), undefined)
    assert.deepEqual(told((await run(modelNode(life), { env: { START_BLOCK: '2' } })).published), both)
  })

  test('two approvals in one transaction are taken for one', async () => {
    const chain = modelChain([[], [[deployed(one)]], [[approved(one, alice), approved(one, bob)]]])
    const { published } = await run(modelNode(chain))
    const approvals = published
      .map(({ data }) => JSON.parse(data))
      .filter(fact => fact.event_type === 'ApprovalGranted')
    assert.equal(new Set(approvals.map(fact => fact.transaction_hash)).size, 1)
    assert.deepEqual(
      approvals.map(fact => fact.approver),
      [alice, bob]
    )
    assert.equal(new Set(approvals.map(fact => fact.fact_id)).size, 2)
  })

  describe('hashes without 0x', () => {
    const bare = (value: unknown) => (typeof value === 'string' ? value.slice(2) : value)
    const stripped = (name: string) => (answer: unknown) =>
      [answer].flat().map(given => {
        const fields = given as Record<string, unknown> // the model answers objects
        return { ...fields, [name]: bare(fields[name]) }
      })
    const lies: [what: string, lies: Record<string, Lie>][] = [
      ['of a block', { eth_getBlockByNumber: (_, truth) => stripped('hash')(truth())[0] }],
      ['of a parent', { eth_getBlockByNumber: (_, truth) => stripped('parentHash')(truth())[0] }],
      ['of a log’s transaction', { eth_getLogs: (_, truth) => stripped('transactionHash')(truth()) }],
      ['of a log’s block', { eth_getLogs: (_, truth) => stripped('blockHash')(truth()) }]
    ]
    for (const [what, lie] of lies) {
      test(`${what} are refused, not stored`, async () => {
        const node = modelNode(life)
        node.lies = lie
        await assert.rejects(run(node))
        assert.equal(await checkpoint(), undefined)
        node.lies = {}
        await run(node)
        const rows = await database.sql<{ block_hash: string; transaction_hash: string }[]>`
          select block_hash, transaction_hash from raw_logs`
        assert.equal(rows.length, 2)
        for (const { block_hash, transaction_hash } of rows)
          for (const hash of [block_hash, transaction_hash]) assert.match(hash, /^0x[0-9a-f]{64}$/)
      })
    }
  })

  test('a key is left paused after a failed publish', async () => {
    const names = ['escrow-events', 'settlement-commands', 'chain.ranges.v1']
    const broker = await createTestBroker({ topics: names.map(name => ({ name })), subscriptions: names.map(pulled) })
    const publisher = createPublisher({ project: 'test', timeoutMs: 1_000 })
    const relayer = start(modelNode(life), { world: { publisher } })
    try {
      await broker.stop()
      const first = await relayer.tick()
      assert.deepEqual([first.published, first.unpublished > 0], [0, true])
      assert.equal(await checkpoint(), life.length - 1, 'what was read is durable')
      await broker.start()
      // The client takes its time to connect again.
      let left = first.unpublished
      for (let tries = 0; left > 0 && tries < 150; tries++) {
        await delay(100)
        left = (await relayer.tick()).unpublished
      }
      assert.equal(left, 0, 'the same process goes on with the same key')
      const facts = (await broker.pull('escrow-events-pull')).filter(({ attributes }) => attributes.first === 'true')
      assert.deepEqual(facts.map(describeMessage), both, 'in order')
    } finally {
      await relayer.release()
      await publisher.close()
      await broker.close()
    }
  })

  test('children are known in memory only', async () => {
    const node = modelNode(life.slice(0, 4))
    assert.deepEqual(told((await run(node)).published), ['2 EscrowDeployed'])
    node.chain = life
    const next = await run(node)
    assert.deepEqual(told(next.published), ['5 ApprovalGranted'], 'by a process that never saw the deployment')
  })

  describe('a child’s event in the block of its creation is missed', () => {
    const cases: [what: string, block: readonly (readonly ReturnType<typeof approved>[])[], events: string[]][] = [
      ['after its deployment', [[deployed(one), approved(one)]], ['EscrowDeployed', 'ApprovalGranted']],
      ['before it, from the constructor', [[approved(one), deployed(one)]], ['ApprovalGranted', 'EscrowDeployed']],
      ['in another transaction', [[deployed(one)], [approved(one)]], ['EscrowDeployed', 'ApprovalGranted']]
    ]
    for (const [what, block, events] of cases) {
      for (const MAX_ADDRESSES of ['500', '1']) {
        test(`${what}, MAX_ADDRESSES=${MAX_ADDRESSES}`, async () => {
          const { published } = await run(modelNode(modelChain([[], block, ...quiet(3)])), { env: { MAX_ADDRESSES } })
          assert.deepEqual(
            told(published),
            events.map(event => `1 ${event}`)
          )
        })
      }
    }
  })

  test('ids depend on the range that was asked for', async () => {
    const idsWith = async (env: Record<string, string>) => {
      await database.sql.unsafe(
        'truncate outbox, blocks, raw_logs, facts, escrows, checkpoints, coverage, manifests, leases'
      )
      const { published } = await run(modelNode(life), { env })
      return published
        .filter(({ topic }) => topic === 'escrow-events')
        .map(({ event_id, data }) => `${event_id} ${data}`)
    }
    const expected = await idsWith({ MAX_BLOCK_RANGE: '1' })
    assert.equal(expected.length, 2)
    assert.deepEqual(await idsWith({ MAX_BLOCK_RANGE: '1000' }), expected)
    assert.deepEqual(await idsWith({ MAX_BLOCK_RANGE: '3', MAX_ADDRESSES: '1' }), expected)
    assert.deepEqual(await idsWith({ MAX_BLOCK_RANGE: '2', OMISSION_CHECK: 'off' }), expected)
  })

  test('the cursor is saved before the publish was acknowledged', async () => {
    const node = modelNode(life)
    const crashing = start(node, {
      world: {
        at(point) {
          if (point === 'publish_begun') throw new Error('crashed')
        }
      }
    })
    await assert.rejects(crashing.tick(), /crashed/)
    await crashing.release()
    assert.deepEqual(crashing.published, [])
    assert.ok((await checkpoint()) !== undefined, 'the cursor had moved')
    assert.deepEqual(told((await run(node)).published), both, 'and yet nothing is lost')
  })

  describe('a stale node’s [] is taken for “nothing happened”', () => {
    test('by the only provider: the logs come from the receipts', async () => {
      const node = modelNode(life)
      node.lies = { eth_getLogs: () => [] }
      const { published, lines } = await run(node)
      assert.deepEqual(told(published), both)
      const caught = lines.filter(({ message }) => message === 'wrong_answer_caught')
      assert.deepEqual(
        caught.map(({ kind, block_number }) => [kind, block_number]),
        [
          ['omitted', 2],
          ['omitted', 5]
        ]
      )
    })
    test('without receipts nothing moves', async () => {
      const node = modelNode(life)
      node.lies = { eth_getLogs: () => [], eth_getBlockReceipts: fault('retry') }
      await assert.rejects(run(node))
      assert.ok(((await checkpoint()) ?? -1) < 2)
    })
    test('a node behind the checkpoint is passed over, and changes nothing', async () => {
      const node = modelNode(life)
      await run(node)
      const stale = modelNode(stump(life, 4))
      const { published } = await run(stale)
      assert.deepEqual(published, [])
      assert.equal(await checkpoint(), life.length - 1)
    })
  })
})

const stump = (chain: readonly BuiltBlock[], length: number) => chain.slice(0, length)
