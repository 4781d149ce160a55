import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog, PermanentError } from '@fusion-prime/runtime'
import { startLoop } from './loop.ts'
import { Halted, type Relayed } from './relay.ts'
import type { Clock } from './world.ts'

const quiet: Relayed = {
  held: false,
  head: 9,
  behind: 0,
  facts: 0,
  reverted: 0,
  raised: 0,
  published: 0,
  unpublished: 0
}
const halt = { reason: 'deep_reorg' as const, block_number: 7, stored_hash: '0xa', chain_hash: '0xb', resume_from: 7 }

type Step = (at: number) => Relayed | Error

/** A loop on a clock that moves only when somebody sleeps; it stops after the given ticks. */
async function run(steps: readonly Step[], options: { intervalSeconds?: number; leaseSeconds?: number } = {}) {
  const events: [seconds: number, what: string][] = []
  const messages: string[] = []
  let now = 0
  const note = (what: string) => events.push([now / 1000, what])
  const clock: Clock = {
    now: () => now,
    async sleep(ms, signal) {
      await new Promise(setImmediate) // whoever looks from outside gets its turn
      if (!signal?.aborted) now += ms
    }
  }
  let ticks = 0
  const halts: (string | undefined)[] = []
  const loop = startLoop({
    async tick() {
      note('tick')
      const step = steps[ticks++]
      if (ticks > 1) halts.push(loop.halted()) // the first tick begins before there is a loop
      if (ticks === steps.length) queueMicrotask(() => void loop.stop().catch(() => undefined))
      const outcome = step?.(now) ?? quiet
      if (outcome instanceof Error) throw outcome
      return outcome
    },
    async keepLease() {
      note('lease')
      return true
    },
    clock,
    intervalSeconds: options.intervalSeconds ?? 45,
    leaseSeconds: options.leaseSeconds ?? 30,
    log: createLog('loop-test', {
      write: (line: string) => void messages.push((JSON.parse(line) as { message: string }).message)
    })
  })
  const failure = await loop.ended.then(
    () => undefined,
    (error: unknown) => error
  )
  return { events, messages, failure, loop, halts, ticks }
}

const ok: Step = () => quiet

test('it ticks every interval, and keeps the lease in between, three times in its life', async () => {
  const { events, failure } = await run([ok, ok, ok])
  assert.deepEqual(events, [
    [0, 'tick'],
    [10, 'lease'],
    [20, 'lease'],
    [30, 'lease'],
    [40, 'lease'],
    [45, 'tick'],
    [55, 'lease'],
    [65, 'lease'],
    [75, 'lease'],
    [85, 'lease'],
    [90, 'tick']
  ])
  assert.equal(failure, undefined)
})

test('a tick that fails is told and tried again; what ended well before still stands', async () => {
  const { messages, failure, loop, ticks } = await run([
    () => ({ ...quiet, head: 5 }),
    () => new Error('a provider is away'),
    ok
  ])
  assert.equal(ticks, 3)
  assert.equal(failure, undefined)
  assert.equal(messages.filter(message => message === 'tick_failed').length, 1)
  assert.equal(loop.last()?.head, 9)
})

test('while halted it stays up, says so once, leaves the lease to the operator, and goes on when it was resumed', async () => {
  const { messages, failure, loop, halts, events } = await run([ok, () => new Halted(halt), () => new Halted(halt), ok])
  assert.equal(failure, undefined)
  assert.deepEqual(
    messages.filter(message => message !== 'tick_done'),
    ['relaying_halted', 'resumed']
  )
  assert.deepEqual(
    events.filter(([seconds]) => seconds >= 45 && seconds < 135).map(([, what]) => what),
    ['tick', 'tick']
  )
  assert.match(halts.find(Boolean) ?? '', /block 7 is stored as 0xa, the chain has 0xb.*--from-block 7 --confirm/)
  assert.equal(loop.halted(), undefined)
  assert.equal(events.filter(([, what]) => what === 'tick').length, 4)
})

test('a permanent fault ends it at once', async () => {
  const { failure, ticks } = await run([ok, () => new PermanentError('START_BLOCK is missing'), ok])
  assert.ok(failure instanceof PermanentError)
  assert.equal(ticks, 2)
})

test('while another relayer holds the lease it stands by without asking for it between ticks', async () => {
  const held: Step = () => ({ ...quiet, held: true })
  const { events, messages } = await run([held, held, ok])
  assert.deepEqual(
    events.filter(([seconds]) => seconds < 90).map(([, what]) => what),
    ['tick', 'tick']
  )
  assert.deepEqual(messages, ['lease_held_by_another', 'lease_taken'])
})

test('a tick that takes longer than the interval is followed by the next one at once', async () => {
  let now = 0
  const ticks: number[] = []
  const loop = startLoop({
    async tick() {
      ticks.push(now)
      now += 60_000
      if (ticks.length === 2) void loop.stop()
      return quiet
    },
    keepLease: async () => true,
    clock: { now: () => now, sleep: async () => assert.fail('it has no time to rest') },
    intervalSeconds: 45,
    leaseSeconds: 30,
    log: createLog('loop-test', { write: () => undefined })
  })
  await loop.ended
  assert.deepEqual(ticks, [0, 60_000])
})
