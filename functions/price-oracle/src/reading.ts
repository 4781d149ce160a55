import type { Decimal } from './decimal.ts'

/** Why a source counts for nothing this time; `http_503` and the like name the status. */
export type Refusal =
  | 'failed'
  | 'unreachable'
  | 'timeout'
  | 'too_large'
  | `http_${number}`
  | 'malformed'
  | 'not_positive'
  | 'stale'
  | 'future'
  | 'round_incomplete'
  | 'confidence'
  | 'spread'
  | 'no_rate'
  | 'deviation'

/** What one source says, in its own quote currency. */
export type Reading = { price: Decimal } | { refused: Refusal }

/** A source whose clock is ahead of ours by more than this is wrong. */
const AHEAD_MS = 10_000

/** What is wrong with the time of an observation, if anything. Exactly the limit is still fresh. */
export function ageFault({
  observedAt,
  now,
  maxAgeSeconds
}: {
  observedAt: number
  now: number
  maxAgeSeconds: number
}): 'stale' | 'future' | undefined {
  if (!(now - observedAt <= maxAgeSeconds * 1000)) return 'stale' // also when it is no number
  return observedAt - now > AHEAD_MS ? 'future' : undefined
}
