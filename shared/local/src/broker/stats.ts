/** Faults put in on purpose. An inversion: a message handed out before an earlier one of its key. */
export type Injected = { duplicates: number; delays: number; inversions: number; lostAcks: number }

export const nothingInjected: Injected = { duplicates: 0, delays: 0, inversions: 0, lostAcks: 0 }

export type SubscriptionStats = {
  /** Messages that matched the filter. */
  published: number
  /** Times that a message was handed out. */
  delivered: number
  acked: number
  /** Refusals and missed ack deadlines. */
  nacked: number
  deadLettered: number
  /** Dropped because they were older than the retention. */
  expired: number
  outstanding: number
  backlog: number
  injected: Injected
}
