/** What to do about an answer that can't be used. Never "no logs". */
export type Advice =
  /** Narrow the request and go on at once. */
  | { kind: 'split'; suggested?: SuggestedRange; shrink?: 'addresses' }
  /** The same request after a pause, or another provider. */
  | { kind: 'retry' }
  | { kind: 'rate_limited'; retry_after_ms?: number }
  /** This provider won't serve it: another one may. */
  | { kind: 'give_up' }

/** Inclusive block numbers, or an inclusive count of blocks. */
export type SuggestedRange = { from: number; to: number } | { max_blocks: number }

/** A provider refused, failed, or answered what can't be true. The message names the provider without its secrets. */
export class RpcFault extends Error {
  readonly advice: Advice
  constructor(message: string, advice: Advice, options?: ErrorOptions) {
    super(message, options)
    this.name = 'RpcFault'
    this.advice = advice
  }
}
