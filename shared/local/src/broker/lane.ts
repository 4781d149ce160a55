import type { Consumer, Lease } from './lease.ts'
import type { Message } from './message.ts'
import { createQueue, type Queue } from './queue.ts'

export type Outcome = 'acked' | 'deadLettered' | 'expired'

/** A message on its way through one subscription. */
export type Entry = {
  readonly message: Message
  readonly index: number
  /** An injected duplicate: whatever becomes of it, the original is what counts. */
  readonly copy: boolean
  failures: number
  /** Its first delivery has been held back, or won't be. */
  decided: boolean
  /** Set while it is done and an earlier one of its lane's batch isn't. */
  outcome: Outcome | undefined
  lease: HeldLease | undefined
}

export type HeldLease = Lease & { readonly entry: Entry; readonly consumer: Consumer; deadline: number }

/** An ordering key: one message at a time when pushed, one batch at a time when pulled. */
export type Lane = {
  readonly key: string
  readonly queue: Queue<Entry>
  batch: Entry[]
  state: 'idle' | 'ready' | 'waiting'
  /** Milliseconds since the epoch. */
  resumeAt: number
  /** The last settled ones, for injected duplicates. */
  recent: Entry[]
}

export const createLane = (key: string): Lane => ({
  key,
  queue: createQueue(),
  batch: [],
  state: 'idle',
  resumeAt: 0,
  recent: []
})

const MOST_REMEMBERED = 3

export function remember(lane: Lane, settled: Entry): void {
  lane.recent = [...lane.recent, settled].slice(-MOST_REMEMBERED)
}
