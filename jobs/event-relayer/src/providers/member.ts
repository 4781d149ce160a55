import type { Clock } from '../world.ts'
import { RpcFault } from './fault.ts'
import { answered, blamed, breaker, failed, type Health, isUsable, newHealth, rateLimited, score } from './health.ts'
import { createLimits, type Limits, type LimitValues } from './limits.ts'
import { type Prices, priceOf } from './prices.ts'
import type { Rpc } from './rpc.ts'

/** A provider to work with. The id is "1:host": its place and host only, for a path or a user may hold a key. */
export type Provider = { id: string; rpc: Rpc; limits: Limits }

type Tally = { calls: number; failures: number; bytes: number }

/** How a provider does, for operators. Times are ISO 8601 or null; the cost is calls times their relative prices. */
export type ProviderStatus = {
  id: string
  healthy: boolean
  score: number
  breaker: 'closed' | 'open' | 'half_open'
  open_until: string | null
  rate_limited_until: string | null
  success_rate: number
  latency_ms: number | null
  head: number | null
  head_lag: number
  wrong_answers: Record<string, number>
  methods: Record<string, Tally>
  bytes: number
  cost: number
  limits: LimitValues
}

/** A provider with the record of how it does; every call through its `rpc` is recorded. */
export type Member = {
  provider: Provider
  prices: Prices
  health(): Health
  restoreLimits(values: LimitValues): void
  /** Records a fault that didn't come out of a call, such as an answer that lacks what it must have; once. */
  fault(fault: RpcFault): void
  blame(kind: string): void
  head(): number | undefined
  sawHead(head: number, lag: number): void
  setProbing(probing: 'yes' | 'no'): void
  status(): ProviderStatus
}

export function createMember({
  id,
  call,
  clock,
  prices,
  maxBlocks
}: {
  id: string
  call: Rpc
  clock: Clock
  prices: Prices
  maxBlocks: number
}): Member {
  const limits = createLimits(maxBlocks)
  const tallies = new Map<string, Tally>()
  const wrong = new Map<string, number>()
  const recorded = new WeakSet<RpcFault>()
  let health = newHealth(clock.now())
  let lastHead: number | undefined

  function record(fault: RpcFault): void {
    if (recorded.has(fault)) return
    recorded.add(fault)
    const { advice } = fault
    const now = clock.now()
    if (advice.kind === 'rate_limited') health = rateLimited(health, { now, retryAfterMs: advice.retry_after_ms })
    // To be asked for less is no failure.
    else if (advice.kind !== 'split') health = failed(health, now)
  }

  const rpc: Rpc = async (method, params, options) => {
    const startedAt = clock.now()
    const wait = health.limited_until - startedAt
    // Nothing was asked, so nothing is recorded.
    if (wait > 0) throw silenced(`${id} is left alone for another ${wait} ms, as it asked`, wait)
    const tally = entry(tallies, method)
    tally.calls++
    const received = (bytes: number) => {
      tally.bytes += bytes
      options?.received?.(bytes)
    }
    try {
      const result = await call(method, params, { ...options, received })
      health = answered(health, { now: clock.now(), latencyMs: clock.now() - startedAt })
      return result
    } catch (error) {
      if (error instanceof RpcFault) {
        tally.failures++
        record(error)
      }
      throw error
    }
  }

  function silenced(message: string, retry_after_ms: number): RpcFault {
    const fault = new RpcFault(message, { kind: 'rate_limited', retry_after_ms })
    recorded.add(fault)
    return fault
  }

  return {
    provider: { id, rpc, limits },
    prices,
    health: () => health,
    restoreLimits: limits.restore,
    fault: record,
    blame(kind) {
      wrong.set(kind, (wrong.get(kind) ?? 0) + 1)
      health = blamed(health, clock.now())
      // Its head may be a lie as well, by which others would be judged.
      lastHead = undefined
    },
    head: () => lastHead,
    sawHead(head, lag) {
      lastHead = head
      health = { ...health, head_lag: lag }
    },
    setProbing(probing) {
      health = { ...health, probing: probing === 'yes' }
    },
    status() {
      const now = clock.now()
      const { limited_until, open_until, success, latency_ms, head_lag } = health
      const calls = [...tallies]
      return {
        id,
        healthy: isUsable(health, now),
        score: round(score(health, now)),
        breaker: breaker(health, now),
        open_until: open_until > now ? new Date(open_until).toISOString() : null,
        rate_limited_until: limited_until > now ? new Date(limited_until).toISOString() : null,
        success_rate: round(success),
        latency_ms: latency_ms === undefined ? null : Math.round(latency_ms),
        head: lastHead ?? null,
        head_lag: Math.round(head_lag),
        wrong_answers: Object.fromEntries(wrong),
        methods: Object.fromEntries(
          calls.map(([method, { bytes, ...tally }]) => [method, { ...tally, bytes: Math.round(bytes) }])
        ),
        bytes: Math.round(calls.reduce((sum, [, { bytes }]) => sum + bytes, 0)),
        cost: calls.reduce((sum, [method, { calls }]) => sum + calls * priceOf(prices, method), 0),
        limits: limits.values()
      }
    }
  }
}

function entry(tallies: Map<string, Tally>, method: string): Tally {
  const tally = tallies.get(method) ?? { calls: 0, failures: 0, bytes: 0 }
  tallies.set(method, tally)
  return tally
}

const round = (value: number): number => Math.round(value * 1000) / 1000
