import type { Message } from './message.ts'

/** A message in somebody's hands until `ack`, `nack` or its deadline. */
export type Lease = {
  readonly ackId: string
  readonly message: Message
  /** 1 + refusals and missed deadlines so far. */
  readonly attempt: number
}

/** Who takes messages, and how many it holds at once. */
export type Consumer = {
  readonly maxMessages: number
  readonly maxBytes: number
  /** Instead of the subscription's. */
  readonly ackDeadlineSeconds?: number
  messages: number
  bytes: number
  /** There is something to take. */
  wake: () => void
  /** The subscription is gone. */
  end: () => void
}

export const hasRoom = (consumer: Consumer): boolean =>
  consumer.messages < consumer.maxMessages && consumer.bytes < consumer.maxBytes

export const ackIdOf = (subscription: string, lease: number): string => `${subscription}:${lease}`

export const isAckId = (ackId: string, subscription: string): boolean =>
  ackId.startsWith(`${subscription}:`) && /^\d+$/.test(ackId.slice(subscription.length + 1))
