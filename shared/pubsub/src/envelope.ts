import { Buffer } from 'node:buffer'
import { isObject } from '@fusion-prime/events'

/** A push as Pub/Sub delivers it, in either of its two spellings. */
export type Envelope = {
  subscription: string
  message_id: string
  publish_time: string | undefined
  ordering_key: string | undefined
  /** 1 for the first delivery; only present when the subscription has a dead-letter policy. */
  delivery_attempt: number | undefined
  attributes: Readonly<Record<string, string>>
  /** As it came: base64 in either alphabet, or not base64 at all; '' when absent. */
  data: string
}

/** Reads the envelope only, never the message's content; a fault here is the sender's, not the message's. */
export function parseEnvelope(body: unknown): { envelope: Envelope } | { fault: string } {
  if (!isObject(body) || !isObject(body.message)) return { fault: 'the body has no object "message"' }
  const { message, subscription } = body
  if (typeof subscription !== 'string') return { fault: 'the body has no string "subscription"' }
  const message_id = text(message.messageId) ?? text(message.message_id)
  if (!message_id) return { fault: 'the message has no "messageId"' }
  const data = message.data ?? ''
  if (typeof data !== 'string') return { fault: '"data" is not a string' }
  const attributes = message.attributes ?? {}
  if (!isStringRecord(attributes)) return { fault: '"attributes" is not an object of strings' }
  const attempt = body.deliveryAttempt ?? body.delivery_attempt
  return {
    envelope: {
      subscription,
      message_id,
      publish_time: text(message.publishTime) ?? text(message.publish_time),
      ordering_key: text(message.orderingKey) ?? text(message.ordering_key),
      delivery_attempt: typeof attempt === 'number' ? attempt : undefined,
      attributes,
      data
    }
  }
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

function isStringRecord(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every(part => typeof part === 'string')
}

const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The message's data as text; says which step failed. */
export function decodeData(data: string): { text: string } | { fault: 'not_base64' | 'not_json'; detail: string } {
  const digits = data.replace(/=+$/, '')
  if (!BASE64.test(data) || digits.length % 4 === 1) return { fault: 'not_base64', detail: 'data is not base64' }
  try {
    return { text: utf8.decode(Buffer.from(data, 'base64')) }
  } catch {
    return { fault: 'not_json', detail: 'data is not UTF-8' }
  }
}
