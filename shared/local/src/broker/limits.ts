import { invalid } from './errors.ts'
import type { NewMessage } from './message.ts'

/** https://cloud.google.com/pubsub/quotas#resource_limits */
const MAX_ATTRIBUTES = 100
const MAX_KEY_BYTES = 256
const MAX_VALUE_BYTES = 1024
const MAX_ORDERING_KEY_BYTES = 1024
const MAX_REQUEST_BYTES = 10_000_000
const MAX_REQUEST_MESSAGES = 1000

/** `goog` is Google's own; its client libraries put these into messages. */
const CLIENT_PREFIX = 'googclient_'

/** Throws INVALID_ARGUMENT for what Pub/Sub wouldn't publish. */
export function checkMessages(messages: readonly NewMessage[]): void {
  if (messages.length === 0)
    throw invalid('The value for message_count is too small: a publish has at least 1 message.')
  if (messages.length > MAX_REQUEST_MESSAGES) {
    throw invalid(`${messages.length} messages in one publish: at most ${MAX_REQUEST_MESSAGES}.`)
  }
  const bytes = messages.reduce((sum, message) => sum + checkMessage(message), 0)
  if (bytes > MAX_REQUEST_BYTES) throw invalid(`Publish of ${bytes} bytes: at most ${MAX_REQUEST_BYTES}.`)
}

function checkMessage({ data, attributes, orderingKey }: NewMessage): number {
  const entries = Object.entries(attributes)
  if (data.length === 0 && entries.length === 0) throw invalid('A message needs data or at least one attribute.')
  if (entries.length > MAX_ATTRIBUTES) throw invalid(`${entries.length} attributes: at most ${MAX_ATTRIBUTES}.`)
  const keyBytes = Buffer.byteLength(orderingKey)
  if (keyBytes > MAX_ORDERING_KEY_BYTES) {
    throw invalid(`Ordering key of ${keyBytes} bytes: at most ${MAX_ORDERING_KEY_BYTES}.`)
  }
  return entries.reduce((sum, entry) => sum + checkAttribute(entry), data.length + keyBytes)
}

function checkAttribute([key, value]: [string, string]): number {
  const keyBytes = Buffer.byteLength(key)
  const valueBytes = Buffer.byteLength(value)
  if (keyBytes === 0) throw invalid('An attribute has an empty key.')
  if (keyBytes > MAX_KEY_BYTES) throw invalid(`Attribute key of ${keyBytes} bytes: at most ${MAX_KEY_BYTES}.`)
  if (valueBytes > MAX_VALUE_BYTES) {
    throw invalid(`Value of attribute '${key}' has ${valueBytes} bytes: at most ${MAX_VALUE_BYTES}.`)
  }
  if (key.startsWith('goog') && !key.startsWith(CLIENT_PREFIX)) {
    throw invalid(`Attribute key '${key}' begins with 'goog', which is reserved.`)
  }
  return keyBytes + valueBytes
}

const NAME = /^projects\/[^/]+\/(topics|subscriptions)\/[A-Za-z][A-Za-z0-9._~+%-]{2,254}$/

/** https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names */
export function checkName(name: string, kind: 'topics' | 'subscriptions'): void {
  const id = name.split('/')[3] ?? ''
  if (NAME.exec(name)?.[1] !== kind || id.startsWith('goog')) {
    throw invalid(
      `Invalid resource name (name=${name}): projects/<project>/${kind}/<3 to 255 characters, a letter first>.`
    )
  }
}

/** The value, the default for an unset (0) one; INVALID_ARGUMENT outside the bounds. */
export function within(
  value: number,
  { name, least, most, unset }: { name: string; least: number; most: number; unset: number }
): number {
  if (value === 0 && least > 0) return unset
  if (value < least || value > most) throw invalid(`${name} is ${value}: must be ${least} to ${most}.`)
  return value
}
