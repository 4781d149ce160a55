import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { EventRelayer } from './app.ts'
import { chainOf, forkAt, lives, type ModelChain, startRelayer } from './backfill/rebuild-fixture.ts'
import { Halted } from './relay.ts'
import { resume } from './resume.ts'
import { type ModelDatabase, modelDatabase } from './testing/model-relayer.ts'

const END = 60
const blocks = lives(END + 1)
const fork = forkAt(blocks, 50)

let database: ModelDatabase
let chain: ModelChain
let relayer: EventRelayer
beforeEach(async () => {
  database = await modelDatabase()
  chain = chainOf(blocks, { latest: 55, safe: 48, finalized: 45 })
  const env = { START_BLOCK: '0', MAX_BLOCK_RANGE: '50', REORG_WINDOW: '3' }
  relayer = startRelayer({ chain, databaseUrl: database.url }, { env })
  await relayer.tick()
})
afterEach(async () => {
  await relayer.close()
  await database.close()
})

const levelOf = async (block: number) => {
  const rows = await database.sql<{ finality: string }[]>`
    select distinct finality from facts where block_number = ${block} order by finality`
  return rows.map(({ finality }) => finality)
}
const checkpoint = async () => {
  const found = await relayer.relayer.store.checkpoint()
  assert.ok(found)
  return found
}

describe('an operator’s resume', () => {
  test('tells beforehand how many facts it would revert, and reverts as many', async () => {
    chain.blocks = fork
    await assert.rejects(relayer.tick(), Halted)
    const plan = await resume(relayer.relayer, { fromBlock: 50, mode: 'dry run' })
    const done = await resume(relayer.relayer, { fromBlock: 50, mode: 'confirmed' })
    assert.ok(done.facts_reverted > 0)
    assert.deepEqual({ ...plan, confirmed: true }, done)
  })

  test('reverts nothing because a provider doesn’t have the block yet', async () => {
    chain.latest = 52
    await assert.rejects(
      resume(relayer.relayer, { fromBlock: 50, mode: 'confirmed' }),
      /the head of provider .* is block 52, below the stored block 55/
    )
    assert.deepEqual(await levelOf(55), ['seen'])
    chain.latest = 56
    const { blocks_gone, facts_reverted } = await resume(relayer.relayer, { fromBlock: 50, mode: 'confirmed' })
    assert.deepEqual({ blocks_gone, facts_reverted }, { blocks_gone: 0, facts_reverted: 0 })
  })

  test('makes nothing final that wasn’t', async () => {
    await database.sql`update checkpoints set safe_number = null, finalized_number = null`
    await resume(relayer.relayer, { fromBlock: 50, mode: 'confirmed' })
    const { safe_number, finalized_number } = await checkpoint()
    assert.deepEqual({ safe_number, finalized_number }, { safe_number: undefined, finalized_number: undefined })
  })

  test('takes back a block that it kept when the chain replaces that before it is read anew', async () => {
    await resume(relayer.relayer, { fromBlock: 50, mode: 'confirmed' })
    chain.blocks = forkAt(blocks, 54)
    Object.assign(chain, { latest: 57 })
    await relayer.tick()
    assert.equal((await checkpoint()).number, 57)
    assert.deepEqual(await levelOf(55), ['reverted', 'seen'])
    const [{ stray }] = (await database.sql`
      select count(*)::int as stray from facts join blocks using (chain_id, block_hash)
      where facts.finality <> 'reverted' and not canonical`) as [{ stray: number }]
    assert.equal(stray, 0)
    assert.deepEqual(await levelOf(52), ['seen'], 'what stays isn’t touched')
  })

  test('halts where the chain replaces a kept block that was final, and goes on from a second resume', async () => {
    await resume(relayer.relayer, { fromBlock: 40, mode: 'confirmed' })
    Object.assign(chain, { blocks: forkAt(blocks, 43), safe: 40, finalized: 39 })
    await assert.rejects(relayer.tick(), (error: Error) => {
      assert.ok(error instanceof Halted)
      const { reason, block_number, resume_from } = error.halt
      assert.deepEqual(
        { reason, block_number, resume_from },
        { reason: 'finalized_changed', block_number: 45, resume_from: 40 }
      )
      return true
    })
    assert.deepEqual(await levelOf(45), ['finalized'])
    await resume(relayer.relayer, { fromBlock: 40, mode: 'confirmed' })
    await relayer.tick()
    assert.deepEqual(await levelOf(45), ['reverted', 'seen'])
    assert.equal((await checkpoint()).hash, chain.blocks[55]?.header.hash)
  })

  test('throws away what a backfill staged before', async () => {
    Object.assign(chain, { latest: END, safe: END, finalized: END })
    const signal = new AbortController().signal
    await relayer.release()
    const tasks = startRelayer(
      { chain, databaseUrl: database.url },
      {
        env: { MAX_BLOCK_RANGE: '1' },
        at: point => {
          if (point === 'commit_begun') throw new Error('crashed')
        }
      }
    )
    const request = { from: 0, to: END, task: 0, tasks: 1, signal, write: undefined }
    await assert.rejects(tasks.backfill(request), /crashed/)
    await tasks.release() // as if the lease had run out
    await tasks.close()
    const staged = async () => (await database.sql`select from_block from staged_ranges`).length
    assert.ok((await staged()) > 0)
    await resume(relayer.relayer, { fromBlock: 56, mode: 'confirmed' })
    chain.blocks = forkAt(blocks, 56)
    await relayer.tick()
    const [{ invented }] = (await database.sql`
      select count(*)::int as invented from facts where block_number > 55
        and block_hash <> all (${chain.blocks.map(({ header }) => header.hash)}::text[])`) as [{ invented: number }]
    assert.equal(invented, 0)
    assert.equal((await checkpoint()).hash, chain.blocks[END]?.header.hash)
  })
})
