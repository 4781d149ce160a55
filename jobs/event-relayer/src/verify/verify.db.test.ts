import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { PermanentError } from '@fusion-prime/runtime'
import { fault } from '../read/model-fixture.ts'
import { type ModelNode, modelNode } from '../testing/model-relayer.ts'
import { chain, createScene, type Scene, verifyScene } from './verify-fixture.ts'

let scene: Scene
before(async () => {
  scene = await createScene()
})
after(() => scene.close())

test('a database that nobody touched is equal, whatever part is compared in whatever steps', async () => {
  const all = await verifyScene(scene)
  assert.deepEqual(all.found, [])
  assert.equal(all.code, 0)
  const { facts, raw_logs, manifests, manifests_skipped, result } = all.summary
  assert.deepEqual(
    { facts, raw_logs, manifests, manifests_skipped, result },
    {
      facts: 10,
      raw_logs: 12,
      manifests: 4,
      manifests_skipped: 0,
      result: 'equal'
    }
  )
  for (const [from, to] of [
    [0, 0],
    [2, 9],
    [6, 16],
    [16, 16]
  ] as const) {
    const part = await verifyScene(scene, { range: { from, to }, env: { MAX_BLOCK_RANGE: '3' } })
    assert.deepEqual([part.found, part.code], [[], 0], `${from} to ${to}`)
  }
  assert.equal((await verifyScene(scene, { env: { MAX_ADDRESSES: '1' } })).code, 0, 'by topics alone')
})

test('it writes nothing, and takes no lease', async () => {
  const { sql } = scene
  const [before] = await sql`select holder, epoch, expires_at from leases`
  await verifyScene(scene)
  assert.deepEqual((await sql`select holder, epoch, expires_at from leases`)[0], before)
  for (const table of scene.tables) {
    const changed = await sql`
      (table ${sql(table)} except table saved.${sql(table)}) union all (table saved.${sql(table)} except table ${sql(table)})`
    assert.equal(changed.length, 0, table)
  }
})

test('messages that may have been forgotten are not missed', async () => {
  const { sql } = scene
  try {
    await sql`delete from outbox where attributes->>'finality' = 'finalized'`
    assert.equal((await verifyScene(scene)).code, 1)
    assert.equal((await verifyScene(scene, { env: { OUTBOX_RETENTION_HOURS: '0' } })).code, 0)
  } finally {
    await scene.restore()
  }
})

test('of several providers it reads the last one; the next answers when that one can’t', async () => {
  const through = async (nodes: readonly ModelNode[]) => {
    const { code, summary } = await verifyScene(scene, { nodes })
    assert.equal(code, 0)
    return Object.keys(summary.read_through as object)
  }
  const spare = modelNode(chain, 'http://two.test')
  assert.deepEqual(await through([scene.node, spare]), ['2:two.test'])
  spare.lies = { eth_getBlockByNumber: fault('retry') }
  assert.deepEqual(await through([scene.node, spare]), ['1:one.test'])
})

test('a provider that leaves out logs doesn’t make an honest database differ, and isn’t believed about a dishonest one', async () => {
  const { sql } = scene
  const liar = modelNode(chain, 'http://liar.test')
  liar.lies = { eth_getLogs: () => [] }
  try {
    assert.equal((await verifyScene(scene, { nodes: [liar] })).code, 0)
    await sql`delete from facts where fact_id = (select fact_id from facts where block_number = 6)`
    assert.equal((await verifyScene(scene, { nodes: [liar] })).code, 1)
  } finally {
    await scene.restore()
  }
})

test('blocks that were never relayed are an error that says so', async () => {
  const refused = (range: { from?: number; to?: number }, message: RegExp) =>
    assert.rejects(
      verifyScene(scene, { range }),
      (error: Error) => error instanceof PermanentError && message.test(error.message)
    )
  await refused({ from: 3, to: 17 }, /--to 17 is above block 16, the last that was relayed/)
  await refused({ from: 9, to: 8 }, /--from 9 is above --to 8/)
  await scene.sql`update checkpoints set first_block = 2`
  await refused({ from: 1 }, /--from 1 is below block 2, the first that was relayed/)
  await scene.sql`delete from checkpoints`
  await refused({}, /there is no checkpoint to verify up to/)
  await scene.restore()
})

test('a chain that can’t be read is no difference: it throws what is worth another try', async () => {
  const lagging = modelNode(chain.slice(0, 10), 'http://lagging.test')
  await assert.rejects(verifyScene(scene, { nodes: [lagging] }), (error: Error) => {
    assert.ok(!(error instanceof PermanentError))
    assert.match(error.message, /no provider in RPC_URLS can be used now: .*has no block/)
    return true
  })
})
