import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Log } from '@fusion-prime/runtime'
import type { Clock } from '../world.ts'
import { createProviders, type LimitStore, type LimitValues, NoProvider, type Provider, WrongAnswer } from './pool.ts'
import { type Advice, type Rpc, RpcFault } from './rpc.ts'

const silent = { info() {}, warn() {}, error() {}, debug() {} } as unknown as Log // what the pool uses of it

function virtualClock(): Clock & { pass(ms: number): void } {
  let time = Date.parse('2026-11-21T09:00:00Z')
  return {
    now: () => time,
    pass: ms => {
      time += ms
    },
    async sleep(ms) {
      time += ms
    }
  }
}

type Answers = Record<string, () => unknown>

/** Providers a, b, c … by name; each answers as its function says, throwing included. */
function pool(
  answers: Answers,
  options: { limits?: LimitStore; maxWaitMs?: number; prices?: Record<string, number> } = {}
) {
  const clock = virtualClock()
  const asked: string[] = []
  const connect = (url: string): Rpc => {
    const name = new URL(url).host
    return async (_method, _params, { received } = {}) => {
      asked.push(name)
      received?.(10)
      clock.pass(50)
      return answers[name]?.()
    }
  }
  const {
    limits = { load: async () => new Map(), save: async () => undefined },
    maxWaitMs = 10_000,
    prices = {}
  } = options
  const providers = createProviders({
    urls: Object.keys(answers).map(name => `https://user:key@${name}/secret`),
    connect,
    clock,
    log: silent,
    limits,
    maxWaitMs,
    prices: url => ({ other: prices[new URL(url).host] ?? 20 })
  })
  return { providers, clock, asked, ids: () => providers.ranked().map(({ id }) => id) }
}

const call = ({ rpc }: Provider) => rpc('eth_blockNumber', [])
const throws = (advice: Advice) => () => {
  throw new RpcFault('refused', advice)
}
const down = throws({ kind: 'retry' })

test('the first one answers; a fault goes to the next one', async () => {
  const { providers, asked } = pool({ a: down, b: () => 'from b' })
  assert.equal(await providers.use(call), 'from b')
  assert.deepEqual(asked, ['a', 'b'])
})

for (const kind of ['split', 'retry', 'give_up'] as const) {
  test(`a fault that says ${kind} is left to the next one`, async () => {
    const { providers } = pool({ a: throws({ kind }), b: () => 1 })
    assert.equal(await providers.use(call), 1)
  })
}

test('other errors pass through and count against nobody', async () => {
  const { providers, asked } = pool({ a: () => 1, b: () => 1 })
  const bug = new TypeError('a bug')
  await assert.rejects(
    providers.use(async () => {
      throw bug
    }),
    bug
  )
  assert.deepEqual(asked, [])
  assert.deepEqual(
    providers.status().map(({ success_rate }) => success_rate),
    [1, 1]
  )
})

test('nobody left: NoProvider names each one’s last fault, and no key', async () => {
  const { providers } = pool({ a: down, b: throws({ kind: 'give_up' }) })
  await assert.rejects(providers.use(call), (error: Error) => {
    assert.ok(error instanceof NoProvider)
    assert.match(error.message, /1:a: refused; 2:b: refused/)
    assert.doesNotMatch(error.message, /key|secret|user/)
    return true
  })
})

test('others are the rest of the usable ones; excepted ones are neither used nor among them', async () => {
  const { providers } = pool({ a: () => 1, b: () => 1, c: () => 1 })
  const seen = await providers.use(async ({ id }, others) => [id, ...others.map(other => other.id)], {
    except: ['1:a']
  })
  assert.deepEqual(seen, ['2:b', '3:c'])
})

test('after five failures a provider isn’t asked while its breaker is open; then one probe goes through', async () => {
  let broken = true
  const { providers, clock, asked, ids } = pool(
    { a: () => (broken ? down() : 'a'), b: () => 'b' },
    { prices: { a: 0 } }
  )
  for (let round = 0; round < 5; round++) await assert.rejects(providers.use(call, { except: ['2:b'] }), NoProvider)
  assert.equal(await providers.use(call), 'b')
  assert.equal(asked.filter(name => name === 'a').length, 5)
  assert.deepEqual(ids(), ['2:b'])
  broken = false
  clock.pass(600_000)
  const probing = providers.use(async provider => {
    assert.equal(provider.id, '1:a')
    assert.deepEqual(ids(), ['2:b'], 'nobody else uses it meanwhile')
    return call(provider)
  })
  assert.equal(await probing, 'a')
  assert.deepEqual(ids(), ['1:a', '2:b'])
})

test('with all breakers open the one that opens first is tried anyway', async () => {
  const { providers, clock, ids } = pool({ a: () => 'a', b: () => 'b' })
  providers.blame('2:b', 'omitted')
  clock.pass(1000)
  providers.blame('1:a', 'omitted')
  assert.deepEqual(ids(), ['2:b', '1:a'])
  assert.equal(await providers.use(call), 'b')
})

test('a wrong answer puts the provider down at once; the work is done by another one', async () => {
  const { providers, ids } = pool({ a: () => 1, b: () => 2 })
  const used: string[] = []
  await providers.use(async ({ id }) => {
    used.push(id)
    if (id === '1:a') throw new WrongAnswer('left a log out', 'omitted')
  })
  assert.deepEqual(used, ['1:a', '2:b'])
  assert.deepEqual(ids(), ['2:b'])
  assert.deepEqual(providers.status()[0]?.wrong_answers, { omitted: 1 })
})

test('a wrong answer of another provider than the one in use is that one’s', async () => {
  const { providers, ids } = pool({ a: () => 1, b: () => 2 })
  const result = await providers.use(async ({ id }, others) => {
    if (others.length > 0) throw new WrongAnswer('gave wrong receipts', 'wrong_receipts', { provider: '2:b' })
    return id
  })
  assert.equal(result, '1:a')
  assert.deepEqual(ids(), ['1:a'])
})

test('a provider that keeps being blamed for another’s work ends the work', async () => {
  const { providers } = pool({ a: () => 1, b: () => 2 })
  const wrong = async () => {
    throw new WrongAnswer('gave wrong receipts', 'wrong_receipts', { provider: '2:b' })
  }
  await assert.rejects(providers.use(wrong), NoProvider)
})

test('one that is rate limited isn’t called before its time, not even by work under way', async () => {
  const { providers, clock, asked, ids } = pool({
    a: throws({ kind: 'rate_limited', retry_after_ms: 7000 }),
    b: () => 'b'
  })
  let held: Provider | undefined
  const result = await providers.use(provider => {
    held ??= provider
    return call(provider)
  })
  assert.equal(result, 'b')
  assert.ok(held)
  await assert.rejects(call(held), { advice: { kind: 'rate_limited', retry_after_ms: 6950 } })
  assert.deepEqual(asked, ['a', 'b'])
  assert.deepEqual(ids(), ['2:b'])
  clock.pass(6949)
  assert.deepEqual(ids(), ['2:b'])
  clock.pass(1)
  assert.deepEqual(ids(), ['1:a', '2:b'])
})

test('the only one left is waited for while it is rate limited, up to the limit of waiting', async () => {
  let refusals = 2
  const { providers, clock } = pool({
    a: () => (refusals-- > 0 ? throws({ kind: 'rate_limited', retry_after_ms: 4000 })() : 'a'),
    b: throws({ kind: 'give_up' })
  })
  const startedAt = clock.now()
  assert.equal(await providers.use(call), 'a')
  assert.ok(clock.now() - startedAt >= 8000)

  const slow = pool({ a: throws({ kind: 'rate_limited', retry_after_ms: 60_000 }) })
  await assert.rejects(slow.providers.use(call), NoProvider)
  assert.deepEqual(slow.asked, ['a'])
})

test('aborting ends the waiting with the signal’s reason', async () => {
  const { providers } = pool({ a: throws({ kind: 'rate_limited', retry_after_ms: 1000 }) })
  const abort = new AbortController()
  const work = providers.use(
    provider => {
      abort.abort(new Error('stopping'))
      return call(provider)
    },
    { signal: abort.signal }
  )
  await assert.rejects(work, /stopping/)
})

test('among healthy ones the cheapest is first, but never for its price alone', async () => {
  const { providers, ids } = pool({ dear: () => 1, cheap: () => 1 }, { prices: { cheap: 5 } })
  assert.deepEqual(ids(), ['2:cheap', '1:dear'])
  providers.sawHead('1:dear', 1000)
  providers.sawHead('2:cheap', 900)
  assert.deepEqual(ids(), ['1:dear', '2:cheap'])
  assert.deepEqual(
    providers.status().map(({ head, head_lag }) => [head, head_lag]),
    [
      [1000, 0],
      [900, 100]
    ]
  )
})

test('a liar’s head is forgotten', async () => {
  const { providers } = pool({ a: () => 1, b: () => 1 })
  providers.sawHead('1:a', 1e9)
  providers.blame('1:a', 'wrong_hash')
  providers.sawHead('2:b', 100)
  assert.equal(providers.status()[1]?.head_lag, 0)
})

test('limits that were learned are kept under a key without a secret, and found again', async () => {
  const kept = new Map<string, LimitValues>()
  const limits: LimitStore = {
    load: async () => kept,
    save: async (key, values) => void kept.set(key, values)
  }
  const first = pool({ a: () => 1 }, { limits })
  await first.providers.use(async provider => provider.limits.learn({ max_blocks: 800 }))
  assert.equal(kept.size, 1)
  for (const key of kept.keys()) assert.match(key, /^a:[0-9a-f]{16}$/)
  const second = pool({ a: () => 1 }, { limits })
  assert.equal(await second.providers.use(async provider => provider.limits.max_blocks), 800)
})

test('limits that can’t be loaded or kept stop nothing', async () => {
  const broken = async () => {
    throw new Error('the database is away')
  }
  const { providers } = pool({ a: () => 1 }, { limits: { load: broken, save: broken } })
  assert.equal(await providers.use(async provider => provider.limits.learn({ max_blocks: 5 })), undefined)
})

test('calls, failures, bytes and cost are counted by method', async () => {
  let refuse = false
  const { providers } = pool({ a: () => (refuse ? down() : 1) })
  await providers.use(call)
  refuse = true
  await assert.rejects(providers.use(call))
  const [status] = providers.status()
  assert.deepEqual(status?.methods, { eth_blockNumber: { calls: 2, failures: 1, bytes: 20 } })
  assert.equal(status?.cost, 40)
})
