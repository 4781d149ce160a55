import { Buffer } from 'node:buffer'
import { deadLetterTopic, type Fault } from '@fusion-prime/events'
import type { Envelope } from './envelope.ts'
import type { PubSubMessage } from './publish.ts'

/** Pub/Sub takes 100 attributes; those of the dead letter and Google's own need room. */
const MAX_ATTRIBUTES = 90
const MAX_VALUE_BYTES = 1_024
const MAX_DETAIL_BYTES = 1_000
const contract = new Set(
  'event_id event_type schema_version correlation_id traceparent fact_id chain_id finality incarnation first'.split(' ')
)

/** The message as it came, with the reason why it can't be handled, for the dead-letter topic of the topic in the path. */
export function deadLetter(
  envelope: Envelope,
  reason: { topic: string; fault: Fault; detail: string; now: Date }
): PubSubMessage {
  const original = Object.entries(envelope.attributes)
  const truncated = original.length > MAX_ATTRIBUTES
  const kept = original
    .filter(([name]) => (truncated ? contract.has(name) : isPublishable(name)))
    .map(([name, value]) => [name.toWellFormed(), cut(value, MAX_VALUE_BYTES)])
  return {
    topic: deadLetterTopic(reason.topic),
    data: Buffer.from(envelope.data, reason.fault === 'not_base64' ? 'utf8' : 'base64'),
    attributes: {
      ...Object.fromEntries(kept),
      dead_letter_reason: reason.fault,
      dead_letter_detail: cut(reason.detail, MAX_DETAIL_BYTES),
      dead_letter_source_subscription: envelope.subscription,
      dead_letter_message_id: cut(envelope.message_id, MAX_VALUE_BYTES),
      dead_letter_time: reason.now.toISOString(),
      ...(truncated && { dead_letter_truncated: 'true' })
    },
    ordering_key: cut(envelope.ordering_key ?? '', MAX_VALUE_BYTES)
  }
}

/** Pub/Sub refuses empty and long keys, and those of Google's own prefix; one such key would hold the dead letter back for ever. */
function isPublishable(name: string): boolean {
  return name !== '' && Buffer.byteLength(name) <= 256 && !/^goog(?!client_)/i.test(name)
}

/** Cuts at a character's edge. A lone surrogate becomes U+FFFD: it has no UTF-8, and a gRPC server refuses the message. */
function cut(text: string, bytes: number): string {
  const buffer = Buffer.from(text)
  if (buffer.length <= bytes) return buffer.toString()
  let end = bytes
  while ((buffer.readUInt8(end) & 0xc0) === 0x80) end -= 1
  return buffer.subarray(0, end).toString()
}
