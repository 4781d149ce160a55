import { setTimeout as delay } from 'node:timers/promises'
import type { OutboxMessage, transaction } from '@fusion-prime/postgres'
import type { Rpc } from './providers/rpc.ts'

/** What the relayer touches besides its database, so that a simulation can put a model in its place. */
export type World = {
  /** How the provider at a URL is called. */
  connect(url: string): Rpc
  publisher: Publisher
  clock: Clock
  /** `transaction` of shared/postgres, or one whose answer gets lost. */
  transaction: typeof transaction
  /** Told before and after each durable step; what it throws is a crash at that point. */
  at(point: CrashPoint): Promise<void> | void
  /** Protections that a test takes away, to show that it would notice. Empty in production. */
  without: ReadonlySet<Protection>
}

/** Answers one fault, or undefined, per message, in their order. */
export type Publisher = {
  publish(messages: readonly OutboxMessage[]): Promise<(Error | undefined)[]>
  close(): Promise<void>
}

export type Clock = {
  /** Milliseconds since the epoch. */
  now(): number
  /** Resolves early, without an error, when the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** What is written in one transaction each: new blocks, a reorg's reverts, a level's rise, a manifest, a halt, an operator's resume. */
export type Write = 'commit' | 'revert' | 'raise' | 'manifest' | 'halt' | 'resume' | 'stage' | 'lane'

/** The steps of the write path; a crash before, between or after any of them loses, doubles and invents nothing. */
export type CrashPoint =
  | 'lease_taken'
  | 'range_read'
  | `${Write}_begun`
  | `${Write}_fenced`
  | `${Write}_written`
  | `${Write}_done`
  | 'publish_begun'
  | 'publish_done'
  | 'tick_ended'

export type Protection =
  | 'omission_check'
  | 'fencing'
  | 'reorg_rule'
  | 'raise_by_hash'
  | 'incarnation'
  | 'outbox_transaction'

export const systemClock: Clock = {
  now: Date.now,
  sleep: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined)
}
