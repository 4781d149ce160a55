import type { Log } from '@fusion-prime/runtime'
import type { Clock } from '../world.ts'
import { RpcFault } from './fault.ts'
import { breaker, isUsable, score } from './health.ts'
import type { LimitValues } from './limits.ts'
import { createMember, type Member, type Provider, type ProviderStatus } from './member.ts'
import { NoProvider } from './no-provider.ts'
import { type PricesOf, pricesOf, usualPrice } from './prices.ts'
import { limitsKey, providerId } from './provider-url.ts'
import type { Rpc } from './rpc.ts'
import { WrongAnswer } from './wrong-answer.ts'

export type { Limits, LimitValues } from './limits.ts'
export type { Provider, ProviderStatus } from './member.ts'
export { NoProvider } from './no-provider.ts'
export { WrongAnswer } from './wrong-answer.ts'

export type Providers = {
  /** Usable ones, the cheapest healthy first; if there are none: all, the one that may be asked again first at the front. */
  ranked(): Provider[]
  /**
   * Runs work with the best provider. After an RpcFault or a WrongAnswer, which are recorded, the next one is tried; other errors pass through.
   * When all that are left are rate limited it waits, up to `maxWaitMs`. Throws NoProvider when nobody is left, the signal's reason when aborted.
   */
  use<Result>(work: (provider: Provider, others: Provider[]) => Promise<Result>, options?: UseOptions): Promise<Result>
  sawHead(id: string, head: number): void
  /** A wrong answer: the provider is down at once, for a minute or more. */
  blame(id: string, kind: string): void
  status(): ProviderStatus[]
}

export type UseOptions = { signal?: AbortSignal; except?: readonly string[] }

/** Where learned limits are kept between runs, by a key that holds no secret. */
export type LimitStore = {
  load(): Promise<Map<string, LimitValues>>
  save(key: string, values: LimitValues): Promise<void>
}

/** A cheaper provider goes first unless its score is below this share of the best. */
const BAND = 0.7
const MAX_WAIT_MS = 30_000
const MAX_BLOCKS = 10_000

/** The providers of one chain. */
export function createProviders({
  urls,
  connect,
  clock,
  log,
  limits,
  prices = pricesOf,
  maxBlocks = MAX_BLOCKS,
  maxWaitMs = MAX_WAIT_MS
}: {
  urls: readonly string[]
  connect(url: string): Rpc
  clock: Clock
  log: Log
  limits: LimitStore
  prices?: PricesOf
  /** Blocks that are ever asked for at once. */
  maxBlocks?: number
  maxWaitMs?: number
}): Providers {
  const members = urls.map((url, index) => ({
    key: limitsKey(url),
    member: createMember({ id: providerId(url, index), call: connect(url), clock, prices: prices(url), maxBlocks })
  }))
  const all = members.map(({ member }) => member)
  const saved = new Map<string, string>()
  let loading: Promise<void> | undefined

  // Limits only spare refused calls: nothing fails for want of them.
  async function loadLimits(): Promise<void> {
    try {
      const kept = await limits.load()
      for (const { key, member } of members) {
        const values = kept.get(key)
        if (values) member.restoreLimits(values)
        saved.set(key, JSON.stringify(member.provider.limits.values()))
      }
    } catch (error) {
      log.warn({ error }, 'provider_limits_not_loaded')
      loading = undefined
    }
  }

  async function saveLimits(): Promise<void> {
    for (const { key, member } of members) {
      const values = member.provider.limits.values()
      const text = JSON.stringify(values)
      if (saved.get(key) === text) continue
      saved.set(key, text)
      await limits.save(key, values).catch(error => log.warn({ error }, 'provider_limits_not_saved'))
    }
  }

  function find(id: string): Member {
    const member = all.find(({ provider }) => provider.id === id)
    if (!member) throw new Error(`no provider is called ${id}: there are ${all.map(({ provider }) => provider.id)}`)
    return member
  }

  function blame(member: Member, kind: string): void {
    member.blame(kind)
    log.error({ provider: member.provider.id, kind }, 'provider_answered_wrongly')
  }

  /** Whom to leave out from now on: who is at fault, or who was used if that one was left out before. */
  function culprit(used: Member, { error, tried }: { error: unknown; tried: Tried }): Member {
    if (error instanceof WrongAnswer) {
      const member = error.provider === undefined ? used : find(error.provider)
      blame(member, error.kind)
      return tried.has(member) ? used : member
    }
    if (!(error instanceof RpcFault)) throw error
    used.fault(error)
    log.warn({ provider: used.provider.id, error: error.message, advice: error.advice.kind }, 'provider_failed')
    return used
  }

  async function run<Result>(member: Member, work: () => Promise<Result>): Promise<Result> {
    if (breaker(member.health(), clock.now()) === 'closed') return work()
    member.setProbing('yes')
    try {
      return await work()
    } finally {
      member.setProbing('no')
    }
  }

  /** Waits until the first of those that are rate limited may be asked again. */
  async function rest(
    candidates: readonly Member[],
    { tried, giveUpAt, signal }: { tried: Tried; giveUpAt: number; signal: AbortSignal | undefined }
  ): Promise<void> {
    const now = clock.now()
    const until = Math.min(...candidates.map(({ health }) => health().limited_until).filter(time => time > now))
    if (until > giveUpAt) throw new NoProvider(describe(candidates, { tried, now }))
    await clock.sleep(until - now, signal)
    for (const [member, error] of tried)
      if (isRateLimit(error) && member.health().limited_until <= clock.now()) tried.delete(member)
  }

  return {
    ranked() {
      const usable = rank(all, clock.now())
      return (usable.length > 0 ? usable : soonest(all)).map(({ provider }) => provider)
    },

    async use(work, { signal, except = [] } = {}) {
      loading ??= loadLimits()
      await loading
      const candidates = all.filter(({ provider }) => !except.includes(provider.id))
      const tried: Tried = new Map()
      const giveUpAt = clock.now() + maxWaitMs
      for (;;) {
        signal?.throwIfAborted()
        const left = candidates.filter(member => !tried.has(member))
        const [member, ...others] = order(left, clock.now())
        if (!member) {
          await rest(candidates, { tried, giveUpAt, signal })
          continue
        }
        try {
          const result = await run(member, () =>
            work(
              member.provider,
              others.map(({ provider }) => provider)
            )
          )
          await saveLimits()
          return result
        } catch (error) {
          tried.set(culprit(member, { error, tried }), error)
        }
      }
    },

    sawHead(id, head) {
      const highest = Math.max(head, ...all.map(member => member.head() ?? 0))
      find(id).sawHead(head, highest - head)
    },

    blame: (id, kind) => blame(find(id), kind),

    status: () => all.map(member => member.status())
  }
}

type Tried = Map<Member, unknown>

/** Usable ones: those near the best score first, by price, then the others by score. */
function rank(members: readonly Member[], now: number): Member[] {
  const usable = members
    .filter(({ health }) => isUsable(health(), now))
    .map(member => ({ member, score: score(member.health(), now), price: usualPrice(member.prices) }))
    .sort((a, b) => b.score - a.score)
  const best = usable[0]?.score ?? 0
  const near = usable.filter(({ score }) => score >= best * BAND).sort((a, b) => a.price - b.price)
  return [...near, ...usable.filter(({ score }) => score < best * BAND)].map(({ member }) => member)
}

/** Whom to use, and the usable others; with none usable, one whose breaker is open rather than nobody, but never one that is rate limited. */
function order(members: readonly Member[], now: number): Member[] {
  const usable = rank(members, now)
  const rested = soonest(members).find(({ health }) => health().limited_until <= now)
  return usable.length === 0 && rested ? [rested] : usable
}

const soonest = (members: readonly Member[]): Member[] => members.toSorted((a, b) => restsUntil(a) - restsUntil(b))

const restsUntil = ({ health }: Member): number => Math.max(health().open_until, health().limited_until)

const isRateLimit = (error: unknown): boolean => error instanceof RpcFault && error.advice.kind === 'rate_limited'

function describe(members: readonly Member[], { tried, now }: { tried: Tried; now: number }): string[] {
  return members.map(member => {
    const error = tried.get(member)
    const wait = restsUntil(member) - now
    const said = error instanceof Error ? error.message : 'not asked'
    return `${member.provider.id}: ${said}${wait > 0 ? ` (rests for ${Math.ceil(wait / 1000)} s)` : ''}`
  })
}
