import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { topicsOf } from '@fusion-prime/chain'
import type { OutboxMessage, Pool } from '@fusion-prime/postgres'
import {
  chainOf,
  crashAt,
  finalChain,
  first,
  forkAt,
  lives,
  type ModelChain,
  outcomeOf,
  second,
  startRelayer
} from '../backfill/rebuild-fixture.ts'
import type { LogQuery } from '../read/model-fixture.ts'
import { modelDatabase } from '../testing/model-relayer.ts'
import type { CrashPoint, World } from '../world.ts'

const END = 130
const blocks = lives(END + 1)
const closing: (() => Promise<void>)[] = []
after(async () => {
  for (const close of closing.reverse()) await close()
})

type Scene = { chain: ModelChain; sql: Pool; databaseUrl: string; published: OutboxMessage[] }

async function scene(chain: ModelChain): Promise<Scene> {
  const { url, sql, close } = await modelDatabase()
  closing.push(close)
  return { chain, sql, databaseUrl: url, published: [] }
}

const headsAt = (latest: number) => ({ latest, safe: Math.max(0, latest - 4), finalized: Math.max(0, latest - 8) })

/** One tick of a process of its own, so that nothing is kept in memory. */
async function tick(at: Scene, env: Record<string, string> = {}, crash?: World['at']): Promise<void> {
  const relayer = startRelayer(at, {
    env: { START_BLOCK: '0', MAX_BLOCK_RANGE: '1', ...env },
    ...(crash && { at: crash })
  })
  try {
    await relayer.tick()
  } finally {
    await relayer.release() // as if the lease had run out
    await relayer.close()
  }
}

const openLanes = async ({ sql }: Scene) => [
  ...(await sql<{ from_block: number; at: number; topics: string[] | null }[]>`
    select from_block::int, block_number::int as at, topics from lanes where merged_at is null`)
]
const checkpointOf = async ({ sql }: Scene) =>
  (await sql`select block_number::int as number from checkpoints`)[0]?.number

/** Ticks on, the chain growing by two blocks each time, until no lane is open and all is final. */
async function settle(at: Scene, env: Record<string, string> = {}): Promise<void> {
  for (let ticks = 0; (await openLanes(at)).length > 0 || ticks === 0; ticks++) {
    assert.ok(ticks < 40, 'lanes come to the checkpoint')
    Object.assign(at.chain, headsAt(Math.min(at.chain.latest + 2, END)))
    await tick(at, env)
    assert.equal(await checkpointOf(at), at.chain.latest, 'the live lane goes on meanwhile')
  }
  Object.assign(at.chain, { latest: END, safe: END, finalized: END })
  await tick(at, { ...env, MAX_BLOCK_RANGE: '50' })
}

/** First deliveries of each escrow's first messages come in chain order. */
function assertOrder(published: readonly OutboxMessage[]): void {
  const delivered = new Set<string>()
  const firsts = published.filter(({ event_id, attributes }) => {
    if (attributes.first !== 'true' || delivered.has(event_id)) return false
    return delivered.add(event_id)
  })
  for (const [key, messages] of Map.groupBy(firsts, ({ ordering_key }) => ordering_key)) {
    const places = messages.map(({ data }) => JSON.parse(data)).map(body => body.block_number * 1e6 + body.log_index)
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
      key
    )
  }
}

async function assertManifests({ sql }: Scene): Promise<void> {
  const newest = await sql<
    { from_block: number; to_block: number; digest: string; previous_digest: string | null; actual: string }[]
  >`
    select from_block::int, to_block::int, digest, previous_digest, (
      select encode(sha256(convert_to(coalesce(string_agg(fact_id::text, E'\n' order by fact_id::text), ''), 'UTF8')), 'hex')
      from facts where block_number between from_block and to_block and finality = 'finalized'
    ) as actual
    from (select distinct on (from_block) * from manifests where not superseded order by from_block, revision desc) as newest
    order by from_block`
  for (const [index, { from_block, digest, actual, previous_digest }] of newest.entries()) {
    assert.equal(digest, actual, `manifest from block ${from_block}`)
    assert.equal(previous_digest, newest[index - 1]?.digest ?? null)
    assert.equal(from_block, (newest[index - 1]?.to_block ?? -1) + 1)
  }
  assert.equal(newest.at(-1)?.to_block, END)
}

let expected: Awaited<ReturnType<typeof outcomeOf>>
before(async () => {
  const at = await scene(finalChain(blocks))
  await tick(at, { MAX_BLOCK_RANGE: '20' })
  expected = await outcomeOf(at.sql)
  assert.ok(expected.facts.length > 150)
})

async function assertAll(at: Scene): Promise<void> {
  assert.deepEqual(await outcomeOf(at.sql), expected)
  await assertManifests(at)
}

/** The blocks of which logs of an address were asked for. */
function asked(chain: ModelChain, address: string): Set<number> {
  const found = new Set<number>()
  for (const { method, params } of chain.calls) {
    const query = params[0] as LogQuery
    if (method !== 'eth_getLogs' || !query.address?.includes(address)) continue
    const pinned = chain.blocks.findIndex(({ header }) => header.hash === query.blockHash)
    const [from, to] = pinned === -1 ? [Number(query.fromBlock), Number(query.toBlock)] : [pinned, pinned]
    for (let block = from; block <= to; block++) found.add(block)
  }
  return found
}

const alone = { ESCROW_FACTORIES: first }

test('a factory that is added later is backfilled from START_BLOCK on, in order per key, while the live lane goes on', async () => {
  const at = await scene(chainOf(blocks, headsAt(80)))
  await tick(at, alone)
  at.chain.calls.length = 0
  await tick(at)
  assert.deepEqual(await openLanes(at), [{ from_block: 0, at: 31, topics: null }])
  assert.deepEqual(asked(at.chain, second), new Set(Array.from({ length: 32 }, (_, block) => block)))
  await settle(at)
  await assertAll(at)
  assertOrder(at.published)
  const escrows = await at.sql<{ factory_address: string }[]>`select factory_address from escrows`
  assert.equal(escrows.filter(({ factory_address }) => factory_address === second).length, 22)
})

test('a factory that was away comes back with the blocks that it missed, and no others', async () => {
  const at = await scene(chainOf(blocks, headsAt(40)))
  await tick(at)
  Object.assign(at.chain, headsAt(90))
  await tick(at, alone)
  at.chain.calls.length = 0
  await tick(at)
  const missed = [...asked(at.chain, second)].sort((a, b) => a - b)
  assert.deepEqual([missed[0], missed.at(-1)], [41, 72])
  await settle(at)
  await assertAll(at)
})

test('a signature that is added later is looked for in what was relayed, also of logs that were kept raw', async () => {
  const at = await scene(finalChain(blocks))
  await tick(at, { MAX_BLOCK_RANGE: '20' })
  const topic = topicsOf('ApprovalGranted')
  // As a relayer whose registry lacked the signature would have left it.
  await at.sql`delete from facts where body->>'event_type' = 'ApprovalGranted'`
  await at.sql`delete from outbox where attributes->>'event_type' = 'ApprovalGranted'`
  await at.sql`update raw_logs set reading = 'unknown' where topics[1] = any (${topic}::text[])`
  await at.sql`delete from coverage where topic0 = any (${topic}::text[])`
  await at.sql`update manifests set fact_count = 0, digest = repeat('0', 64)`
  await tick(at, { MAX_BLOCK_RANGE: '20' })
  await assertAll(at)
  const [{ raw }] = (await at.sql`select count(*)::int as raw from raw_logs where reading <> 'published'`) as [
    { raw: number }
  ]
  assert.equal(raw, 0)
})

test('history from before the first relayed block is read by a lane; the first block and the manifests go back with it', async () => {
  const at = await scene(chainOf(blocks, headsAt(110)))
  await tick(at, { START_BLOCK: '61', MAX_BLOCK_RANGE: '20' })
  const operator = startRelayer(at)
  const signal = new AbortController().signal
  assert.equal(await operator.backfill({ from: 0, to: 100, task: 0, tasks: 1, signal, write: undefined }), 'done')
  await operator.release()
  await operator.close()
  await settle(at)
  await assertAll(at)
  const [checkpoint] = await at.sql`select first_block::int from checkpoints`
  assert.deepEqual(checkpoint, { first_block: 0 })
})

test('history is read before anything of the live lane is final', async () => {
  const at = await scene(chainOf(blocks, { latest: 70, safe: 60, finalized: 60 }))
  await tick(at, { START_BLOCK: '66' })
  const stop = new AbortController()
  const env = { START_BLOCK: '66', MAX_BLOCK_RANGE: '7' }
  const operator = startRelayer(at, { env, at: point => (point === 'tick_ended' ? stop.abort() : undefined) })
  const request = { from: 0, to: 60, task: 0, tasks: 1, signal: stop.signal, write: undefined }
  assert.equal(await operator.backfill(request), 'interrupted')
  await operator.release()
  await operator.close()
  assert.deepEqual(await openLanes(at), [{ from_block: 0, at: 60, topics: null }])
  Object.assign(at.chain, headsAt(78))
  await tick(at, { START_BLOCK: '66', MAX_BLOCK_RANGE: '2' })
  await settle(at, { START_BLOCK: '66' })
  await assertAll(at)
})

test('history is read of a factory too that is still catching up', async () => {
  const at = await scene(chainOf(blocks, headsAt(110)))
  await tick(at, { ...alone, START_BLOCK: '61', MAX_BLOCK_RANGE: '20' })
  await tick(at, { START_BLOCK: '61' })
  assert.deepEqual(await openLanes(at), [{ from_block: 61, at: 92, topics: null }])
  const operator = startRelayer(at, { env: { START_BLOCK: '61' } })
  const signal = new AbortController().signal
  assert.equal(await operator.backfill({ from: 0, to: 100, task: 0, tasks: 1, signal, write: undefined }), 'done')
  await operator.release()
  await operator.close()
  await settle(at, { START_BLOCK: '61' })
  await assertAll(at)
  assertOrder(at.published)
})

test('a factory that left misses nothing when it comes back after a reorg, as often as that goes to the same block', async () => {
  const at = await scene(chainOf(blocks, headsAt(66)))
  for (const latest of [66, 68]) {
    Object.assign(at.chain, { blocks, latest })
    await tick(at)
    await tick(at, alone)
    Object.assign(at.chain, { blocks: forkAt(blocks, 60), latest: latest + 1 })
    await tick(at, alone)
    await tick(at)
    assert.deepEqual(await openLanes(at), [])
  }
  await settle(at)
  const reference = await scene(finalChain(at.chain.blocks))
  await tick(reference, { MAX_BLOCK_RANGE: '20' })
  const ids = async ({ sql }: Scene) => (await outcomeOf(sql)).finals.map(({ event_id }) => event_id)
  assert.deepEqual(await ids(at), await ids(reference))
  await assertManifests(at)
})

for (const depth of [3, 7])
  test(`a reorg of ${depth} blocks takes back what a lane had read of them`, async () => {
    const at = await scene(chainOf(blocks, headsAt(66)))
    await tick(at, alone)
    await tick(at)
    await tick(at)
    assert.deepEqual(await openLanes(at), [{ from_block: 0, at: 63, topics: null }])
    at.chain.blocks = forkAt(blocks, 67 - depth)
    Object.assign(at.chain, { latest: 68 })
    await tick(at)
    await settle(at)
    const reference = await scene(finalChain(at.chain.blocks))
    await tick(reference, { MAX_BLOCK_RANGE: '20' })
    const [left, wanted] = [await outcomeOf(at.sql), await outcomeOf(reference.sql)]
    assert.deepEqual(
      left.facts.filter(({ finality }) => finality !== 'reverted'),
      wanted.facts
    )
    assert.deepEqual(left.finals, wanted.finals)
    await assertManifests(at)
  })

const points: CrashPoint[] = ['range_read', 'lane_begun', 'lane_fenced', 'lane_written', 'lane_done', 'publish_done']
for (const point of points)
  test(`after a crash at ${point} a lane goes on`, async () => {
    const at = await scene(chainOf(blocks, headsAt(60)))
    await tick(at, alone)
    for (const nth of [1, 2, 20]) {
      Object.assign(at.chain, headsAt(at.chain.latest + 1))
      await tick(at, {}, crashAt(point, nth)).catch(error => assert.equal(error.message, `crashed at ${point}`))
    }
    for (;;) {
      const [lane] = await openLanes(at)
      if (!lane || !point.startsWith('lane')) break
      const left = at.chain.latest - lane.at
      // The write after those of all blocks is the merging.
      if (left < 32) {
        await assert.rejects(tick(at, {}, crashAt(point, left + 1)), { message: `crashed at ${point}` })
        break
      }
      await tick(at)
    }
    await settle(at)
    await assertAll(at)
    assertOrder(at.published)
  })
