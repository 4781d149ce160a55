import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { createLog, readConfig } from '@fusion-prime/runtime'
import { RelayerConfig } from '../config.ts'
import { approved } from '../read/model-fixture.ts'
import { Halted } from '../relay.ts'
import { resume } from '../resume.ts'
import { chain, empty, forkAfter, one } from '../store/store-fixture.ts'
import type { BuiltBlock } from '../testing/blocks.ts'
import { buildBlock } from '../testing/blocks.ts'
import {
  connectTo,
  type ModelDatabase,
  modelDatabase,
  modelEnv,
  modelNode,
  modelRelayer
} from '../testing/model-relayer.ts'
import { systemClock } from '../world.ts'
import { runVerify } from './mode.ts'

/* Whatever a chain has done, a database that followed it is equal to it. */

let database: ModelDatabase
before(async () => {
  database = await modelDatabase()
})
after(() => database.close())
beforeEach(() => empty(database.sql))

/** More blocks on a chain; each tenth approves the first escrow. */
function grown(blocks: readonly BuiltBlock[], length: number): BuiltBlock[] {
  const all = [...blocks]
  for (let number = all.length; number < length; number++) {
    const parentHash = all.at(-1)?.header.hash ?? ''
    const transactions = number % 10 === 0 ? [{ logs: [approved(one)] }] : []
    all.push(buildBlock({ number, parentHash, timestamp: 1_700_000_000 + 12 * number, transactions }))
  }
  return all
}

/** Follows one chain after the other, with a process for each. */
async function follow(
  chains: readonly (readonly BuiltBlock[])[],
  { finalDepth = 4, env = {} }: { finalDepth?: number; env?: Record<string, string> } = {}
) {
  for (const blocks of chains) {
    const node = { ...modelNode(blocks), finalDepth, safeDepth: Math.min(2, finalDepth) }
    const relayer = modelRelayer({ url: database.url, nodes: [node], env })
    try {
      await relayer.tick()
    } catch (error) {
      if (!(error instanceof Halted)) throw error
      const done = await resume(relayer.relayer, { fromBlock: error.halt.resume_from, mode: 'confirmed' })
      assert.ok(done.confirmed)
      await relayer.tick()
    } finally {
      await relayer.release()
      await relayer.close()
    }
  }
}

async function verified(blocks: readonly BuiltBlock[], finalDepth = 4) {
  const written: string[] = []
  const node = { ...modelNode(blocks), finalDepth, safeDepth: Math.min(2, finalDepth) }
  const code = await runVerify({
    config: readConfig(RelayerConfig, modelEnv({ url: database.url, nodes: [node] })),
    log: createLog('verify-test', { write: () => undefined }),
    range: {},
    format: 'text',
    write: text => void written.push(text),
    progress: undefined,
    world: { connect: connectTo([node]), clock: systemClock }
  })
  return { code, text: written.join('') }
}

const operations = async () => {
  const rows = await database.sql<{ finality: string; incarnation: string }[]>`
    select attributes->>'finality' as finality, attributes->>'incarnation' as incarnation from outbox where topic = 'escrow-events'`
  return new Set(rows.map(({ finality, incarnation }) => `${finality}#${incarnation}`))
}

test('after a reorg', async () => {
  const to = grown(forkAfter(2), 12)
  await follow([chain, to])
  const { code, text } = await verified(to)
  assert.equal(code, 0, text)
  assert.ok((await operations()).has('reverted#1'))
})

test('after A, B, A, and when A is final', async () => {
  const back = grown(chain, 7)
  await follow([chain, grown(forkAfter(2), 7), back])
  assert.equal((await verified(back)).code, 0)
  const far = grown(chain, 40)
  await follow([far])
  const { code, text } = await verified(far)
  assert.equal(code, 0, text)
  assert.ok((await operations()).has('safe#2'))
})

test('after an operator’s resume below finality, and when that is final again', async () => {
  const final = grown(chain, 7)
  const other = grown(forkAfter(2), 9)
  await follow([final, other], { finalDepth: 0 })
  const { code, text } = await verified(other, 0)
  assert.equal(code, 0, text)
  const back = grown(chain, 11)
  await follow([back], { finalDepth: 0 })
  const again = await verified(back, 0)
  assert.equal(again.code, 0, again.text)
  assert.ok((await operations()).has('finalized#2'))
})

test('after a long chain was followed in leaps, and its blocks were pruned', async () => {
  const long = grown(chain, 300)
  const env = { REORG_WINDOW: '5', MAX_BLOCK_RANGE: '20' }
  await follow(
    [20, 25, 60, 130, 131, 300].map(length => long.slice(0, length)),
    { env }
  )
  const kept = await database.sql`select from blocks`
  assert.ok(kept.length < 100, `${kept.length} blocks are kept`)
  const { code, text } = await verified(long)
  assert.equal(code, 0, text)
})
