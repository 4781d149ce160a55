import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type FactHistory, projectEscrow, timelineOf } from '@fusion-prime/escrow'
import { decodeMessage, escrowEvents } from '@fusion-prime/events'
import type { OutboxMessage } from '@fusion-prime/postgres'
import { modelDatabase } from '../testing/model-relayer.ts'
import type { CrashPoint } from '../world.ts'
import { chainOf, crashAt, finalChain, lives, outcomeOf, type Place, startRelayer } from './rebuild-fixture.ts'

const END = 110
const blocks = lives(END + 1)
const request = { from: 0, to: END, signal: new AbortController().signal, write: undefined }
const live = { published: [] as OutboxMessage[], outcome: {} as Awaited<ReturnType<typeof outcomeOf>> }
const closing: (() => Promise<void>)[] = []
after(async () => {
  for (const close of closing.reverse()) await close()
})

async function place(): Promise<Place & { published: OutboxMessage[]; outcome: () => ReturnType<typeof outcomeOf> }> {
  const { url, sql, close } = await modelDatabase()
  closing.push(close)
  return { chain: finalChain(blocks), databaseUrl: url, published: [], outcome: () => outcomeOf(sql) }
}

/** A live run, tick by tick as the chain grows, so that facts are seen, then safe, then final. */
before(async () => {
  const { url, sql, close } = await modelDatabase()
  closing.push(close)
  const chain = chainOf(blocks, { latest: 0, safe: 0, finalized: 0 })
  const relayer = startRelayer({ chain, databaseUrl: url, published: live.published }, { env: { START_BLOCK: '0' } })
  for (let latest = 4; latest < END + 30; latest += 5) {
    Object.assign(chain, {
      latest: Math.min(latest, END),
      safe: Math.min(latest - 4, END),
      finalized: Math.max(0, Math.min(latest - 9, END))
    })
    await relayer.tick()
  }
  await relayer.close()
  live.outcome = await outcomeOf(sql)
  const { facts, commands } = live.outcome
  const settled = facts.filter(({ body }) =>
    /"event_type":"Escrow(Deployed|Released|Refunded)"/.test(JSON.stringify(body))
  )
  assert.deepEqual([commands.length, settled.length > 60], [settled.length, true])
  assert.ok(live.outcome.facts.length > 150 && live.outcome.facts.every(({ finality }) => finality === 'finalized'))
})

/** The state that a consumer folds from what it was sent, and each escrow's. */
function folded(messages: readonly OutboxMessage[]) {
  const facts = new Map<string, FactHistory & { messages: FactHistory['messages'][number][] }>()
  for (const { topic, data, attributes } of messages) {
    if (topic !== 'escrow-events') continue
    const decoded = decodeMessage(escrowEvents, { data, attributes })
    assert.ok('received' in decoded)
    const { body } = decoded.received
    const known = facts.get(body.fact_id) ?? { body, messages: [] }
    known.messages.push({ finality: body.finality, incarnation: body.incarnation, forced: body.forced === true })
    facts.set(body.fact_id, known)
  }
  const byEscrow = Map.groupBy(facts.values(), ({ body }) => body.escrow_address)
  return [...byEscrow].sort().map(([, histories]) => projectEscrow(timelineOf(histories)))
}

const backfillAlone = async (at: Place, env: Record<string, string> = {}) => {
  const relayer = startRelayer(at, { env })
  const outcome = await relayer.backfill({ ...request, task: 0, tasks: 1 })
  await relayer.release()
  await relayer.close()
  return outcome
}

test('a rebuild in other ranges leaves what live relaying left, and consumers end in the same state', async () => {
  const rebuilt = await place()
  assert.equal(await backfillAlone(rebuilt, { MAX_BLOCK_RANGE: '13' }), 'done')
  assert.deepEqual(await rebuilt.outcome(), live.outcome)
  assert.deepEqual(folded(rebuilt.published), folded(live.published))
  assert.equal(folded(live.published).length, live.outcome.escrows.length)
})

test('three tasks side by side leave the same', async () => {
  const rebuilt = await place()
  const tasks = [0, 1, 2].map(() => startRelayer(rebuilt, { env: { MAX_BLOCK_RANGE: '3' } }))
  const outcomes = await Promise.all(tasks.map((relayer, task) => relayer.backfill({ ...request, task, tasks: 3 })))
  for (const relayer of tasks) await relayer.close()
  assert.deepEqual(outcomes, ['done', 'done', 'done'])
  assert.deepEqual(await rebuilt.outcome(), live.outcome)
  assert.deepEqual(folded(rebuilt.published), folded(live.published))
})

test('a task that was slower than all others together ends when the rest is committed without it', async () => {
  const rebuilt = await place()
  const slow = Promise.withResolvers<void>()
  const env = { MAX_BLOCK_RANGE: '3' }
  const first = startRelayer(rebuilt, { env })
  const second = startRelayer(rebuilt, { env, at: point => (point === 'range_read' ? slow.promise : undefined) })
  const ended = second.backfill({ ...request, task: 1, tasks: 2 })
  assert.equal(await first.backfill({ ...request, task: 0, tasks: 2 }), 'done')
  slow.resolve()
  assert.equal(await ended, 'done')
  for (const relayer of [first, second]) await relayer.close()
  assert.deepEqual(await rebuilt.outcome(), live.outcome)
})

test('tasks that crash are begun again, fewer of them, and go on where they were', async () => {
  const rebuilt = await place()
  const crashes = [crashAt('range_read', 9), crashAt('stage_written', 4), crashAt('stage_done', 5)]
  const tasks = crashes.map(at => startRelayer(rebuilt, { env: { MAX_BLOCK_RANGE: '3' }, at }))
  const stop = new AbortController()
  const crashed = tasks.map((relayer, task) => relayer.backfill({ ...request, task, tasks: 3, signal: stop.signal }))
  const all = Promise.allSettled(crashed) // the first may crash before the others
  await Promise.allSettled(crashed.slice(1))
  stop.abort()
  await all
  for (const relayer of tasks) await relayer.release()
  const fewer = [0, 1].map(() => startRelayer(rebuilt, { env: { MAX_BLOCK_RANGE: '5' } }))
  await Promise.all(fewer.map((relayer, task) => relayer.backfill({ ...request, task, tasks: 2 })))
  for (const relayer of [...tasks, ...fewer]) await relayer.close()
  assert.deepEqual(await rebuilt.outcome(), live.outcome)
})

test('a live relayer that begins meanwhile and the tasks end in the same state', async () => {
  const rebuilt = await place()
  const loop = startRelayer(rebuilt, { env: { START_BLOCK: '0', MAX_BLOCK_RANGE: '3' } })
  const tasks = [0, 1].map(() => startRelayer(rebuilt, { env: { MAX_BLOCK_RANGE: '3' } }))
  let ended = false
  const ticking = (async () => {
    while (!ended) await loop.tick()
  })()
  await Promise.all(tasks.map((relayer, task) => relayer.backfill({ ...request, task, tasks: 2 })))
  ended = true
  await ticking
  for (const relayer of [loop, ...tasks]) await relayer.close()
  assert.deepEqual(await rebuilt.outcome(), live.outcome)
})

test('a range that isn’t final, or that would leave a gap, is refused', async () => {
  const rebuilt = await place()
  Object.assign(rebuilt.chain, { finalized: 100 })
  await assert.rejects(backfillAlone(rebuilt), /--to 110 is not final: the last finalized block is 100/)
  const relayer = startRelayer(rebuilt)
  await relayer.backfill({ ...request, to: 50, task: 0, tasks: 1 })
  const gap = relayer.backfill({ ...request, from: 60, to: 90, task: 0, tasks: 1 })
  await assert.rejects(gap, /--from 60 would leave out blocks 51 to 59/)
  await relayer.close()
})

test('what is relayed already is not read again', async () => {
  const rebuilt = await place()
  await backfillAlone(rebuilt)
  rebuilt.chain.calls.length = 0
  assert.equal(await backfillAlone(rebuilt), 'done')
  assert.deepEqual(
    rebuilt.chain.calls.filter(({ method }) => method === 'eth_getLogs'),
    []
  )
})

const points: CrashPoint[] = [
  'lease_taken',
  'range_read',
  'stage_begun',
  'stage_written',
  'stage_done',
  'commit_begun',
  'commit_fenced',
  'commit_written',
  'commit_done',
  'manifest_written',
  'manifest_done',
  'lane_written',
  'publish_begun',
  'publish_done'
]

for (const point of points)
  test(`after a crash at ${point} the same command goes on to the same end`, async () => {
    const rebuilt = await place()
    for (const nth of /lane|publish/.test(point) ? [1] : [1, 3]) {
      const relayer = startRelayer(rebuilt, { at: crashAt(point, nth) })
      await assert.rejects(relayer.backfill({ ...request, task: 0, tasks: 1 }), { message: `crashed at ${point}` })
      await relayer.release() // as if the lease had run out
      await relayer.close()
    }
    assert.equal(await backfillAlone(rebuilt, { MAX_BLOCK_RANGE: '4' }), 'done')
    assert.deepEqual(await rebuilt.outcome(), live.outcome)
  })
