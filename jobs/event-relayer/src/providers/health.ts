/** How a provider has done lately. Times are milliseconds of the caller's clock. */
export type Health = {
  /** When the decaying figures were last brought up to date. */
  at: number
  /** Share of calls that were answered, 0 to 1; drifts back to 1 while nothing is called. */
  success: number
  /** Undefined before the first answer. */
  latency_ms: number | undefined
  /** Blocks behind the highest head known when its own was seen; fades, so that it is asked again. */
  head_lag: number
  /** Wrong answers, each weighing less as minutes pass. */
  wrong: number
  /** Failures since the last answer. */
  failures: number
  /** Times the breaker opened since it was last closed. */
  openings: number
  /** The breaker lets nobody through before. */
  open_until: number
  /** Whether somebody tries if a provider whose breaker was open is well again. */
  probing: boolean
  limited_until: number
  /** Refusals for rate since the last answer. */
  limits: number
}

export type Breaker = 'closed' | 'open' | 'half_open'

const FAILURES_TO_OPEN = 5
const OPEN_MS = 5_000
const OPEN_AFTER_WRONG_MS = 60_000
const MOST_OPEN_MS = 300_000
const LIMITED_MS = 1_000
const MOST_LIMITED_MS = 60_000
const SUCCESS_WEIGHT = 0.1
const LATENCY_WEIGHT = 0.2
const SUCCESS_HALF_LIFE_MS = 60_000
const LAG_HALF_LIFE_MS = 60_000
const WRONG_HALF_LIFE_MS = 180_000

export const newHealth = (now: number): Health => ({
  at: now,
  success: 1,
  latency_ms: undefined,
  head_lag: 0,
  wrong: 0,
  failures: 0,
  openings: 0,
  open_until: 0,
  probing: false,
  limited_until: 0,
  limits: 0
})

/** An answer closes the breaker, but doesn't shorten the time that a wrong answer or another failure since has set. */
export function answered(health: Health, { now, latencyMs: ms }: { now: number; latencyMs: number }): Health {
  const latencyMs = Math.max(0, ms) // the clock may be set back meanwhile
  const { success, latency_ms = latencyMs, ...rest } = decayed(health, now)
  const closed = rest.open_until <= now ? { openings: 0, open_until: 0, probing: false } : {}
  return {
    ...rest,
    ...closed,
    success: success + (1 - success) * SUCCESS_WEIGHT,
    latency_ms: latency_ms + (latencyMs - latency_ms) * LATENCY_WEIGHT,
    failures: 0,
    limits: 0
  }
}

/** The fifth failure in a row opens the breaker, and so does a failed probe: for 5 s, then twice as long each time, up to 5 minutes. */
export function failed(health: Health, now: number): Health {
  const before = decayed(health, now)
  const after = { ...before, success: before.success * (1 - SUCCESS_WEIGHT), failures: before.failures + 1 }
  // Calls that were under way when the breaker opened say nothing new.
  const opens = breaker(before, now) === 'half_open' || (after.failures >= FAILURES_TO_OPEN && before.open_until <= now)
  return opens ? opened(after, { now, ms: OPEN_MS }) : after
}

/** Leaves it alone as long as it says, else for 1 s, then twice as long each time, up to a minute. */
export function rateLimited(
  health: Health,
  { now, retryAfterMs }: { now: number; retryAfterMs: number | undefined }
): Health {
  // Calls that were under way together were refused for one reason.
  const again = health.limited_until <= now ? 1 : 0
  const limits = health.limits + again
  const ms = retryAfterMs || Math.min(LIMITED_MS * 2 ** Math.max(0, limits - 1), MOST_LIMITED_MS)
  const until = !retryAfterMs && !again ? health.limited_until : now + ms
  return { ...health, probing: false, limits, limited_until: Math.max(health.limited_until, until) }
}

/** A wrong answer opens the breaker at once, and weighs on the score for minutes. */
export function blamed(health: Health, now: number): Health {
  const before = decayed(health, now)
  return opened({ ...before, wrong: before.wrong + 1 }, { now, ms: OPEN_AFTER_WRONG_MS })
}

export function breaker({ openings, open_until }: Health, now: number): Breaker {
  if (openings === 0) return 'closed'
  return now < open_until ? 'open' : 'half_open'
}

/** Whether it may be called: not while its breaker is open, while it is rate limited, or while somebody probes it. */
export function isUsable(health: Health, now: number): boolean {
  if (now < health.limited_until) return false
  const state = breaker(health, now)
  return state === 'closed' || (state === 'half_open' && !health.probing)
}

/** 1 is best. A wrong answer counts most, then failures, then lag (half at 10 blocks), then latency (half at 2 s). */
export function score(health: Health, now: number): number {
  const { success, wrong, head_lag, latency_ms = 0 } = decayed(health, now)
  return (success ** 2 * 0.1 ** wrong) / ((1 + head_lag / 10) * (1 + latency_ms / 2000))
}

function opened(health: Health, { now, ms }: { now: number; ms: number }): Health {
  const open_until = Math.max(health.open_until, now + Math.min(ms * 2 ** health.openings, MOST_OPEN_MS))
  return { ...health, openings: health.openings + 1, open_until, probing: false, failures: 0 }
}

function decayed(health: Health, now: number): Health {
  const passed = Math.max(0, now - health.at)
  return {
    ...health,
    at: Math.max(now, health.at),
    success: 1 - (1 - health.success) * 0.5 ** (passed / SUCCESS_HALF_LIFE_MS),
    head_lag: health.head_lag * 0.5 ** (passed / LAG_HALF_LIFE_MS),
    wrong: health.wrong * 0.5 ** (passed / WRONG_HALF_LIFE_MS)
  }
}
