import type { SubscriptionConfig } from './config.ts'
import { invalid } from './errors.ts'
import type { Lease } from './lease.ts'
import { checkName, within } from './limits.ts'

/** google.protobuf.Duration and Timestamp. */
export type Seconds = { seconds: number; nanos: number }

/** google.pubsub.v1.PubsubMessage, the fields that a publisher sets. */
export type WireMessage = { data: Buffer; attributes: Record<string, string>; orderingKey: string }

export type WirePushConfig = {
  pushEndpoint: string
  /** Part of a oneof, so absent when not set. */
  oidcToken?: { serviceAccountEmail: string; audience: string }
}

/** google.pubsub.v1.Subscription, the fields that the broker knows. */
export type WireSubscription = {
  name: string
  topic: string
  pushConfig: WirePushConfig | null
  ackDeadlineSeconds: number
  messageRetentionDuration: Seconds | null
  enableMessageOrdering: boolean
  filter: string
  deadLetterPolicy: { deadLetterTopic: string; maxDeliveryAttempts: number } | null
  retryPolicy: { minimumBackoff: Seconds | null; maximumBackoff: Seconds | null } | null
}

const DAY_SECONDS = 86_400

/** Checks and completes a CreateSubscription request with Google's bounds and defaults. */
export function toConfig(wire: WireSubscription): SubscriptionConfig {
  checkName(wire.name, 'subscriptions')
  const { deadLetterPolicy, retryPolicy } = wire
  return {
    name: wire.name,
    topic: wire.topic,
    push: toPush(wire.pushConfig),
    filter: wire.filter,
    ordered: wire.enableMessageOrdering,
    ackDeadlineSeconds: within(wire.ackDeadlineSeconds, {
      name: 'ack_deadline_seconds',
      least: 10,
      most: 600,
      unset: 10
    }),
    retry: retryPolicy && toBackoff(retryPolicy),
    deadLetter: deadLetterPolicy && {
      topic: deadLetterPolicy.deadLetterTopic,
      maxDeliveryAttempts: within(deadLetterPolicy.maxDeliveryAttempts, {
        name: 'max_delivery_attempts',
        least: 5,
        most: 100,
        unset: 5
      })
    },
    retentionSeconds: within(wire.messageRetentionDuration?.seconds ?? 0, {
      name: 'message_retention_duration',
      least: 600,
      most: 31 * DAY_SECONDS,
      unset: 7 * DAY_SECONDS
    })
  }
}

function toBackoff({ minimumBackoff, maximumBackoff }: NonNullable<WireSubscription['retryPolicy']>) {
  const bounds = { least: 0, most: 600, unset: 0 }
  const minimum = within(minimumBackoff ? inSeconds(minimumBackoff) : 10, { name: 'minimum_backoff', ...bounds })
  const maximum = within(maximumBackoff ? inSeconds(maximumBackoff) : 600, { name: 'maximum_backoff', ...bounds })
  if (minimum > maximum) throw invalid(`minimum_backoff ${minimum} s is more than maximum_backoff ${maximum} s.`)
  return { minimumBackoffSeconds: minimum, maximumBackoffSeconds: maximum }
}

/** An empty endpoint means pull; an empty audience means the endpoint's URL. */
export function toPush(wire: WirePushConfig | null): SubscriptionConfig['push'] {
  if (!wire?.pushEndpoint) return null
  if (!URL.canParse(wire.pushEndpoint)) throw invalid(`Invalid push endpoint (endpoint=${wire.pushEndpoint}).`)
  const { oidcToken, pushEndpoint: url } = wire
  return {
    url,
    token: oidcToken ? { audience: oidcToken.audience || url, email: oidcToken.serviceAccountEmail } : null
  }
}

export function fromConfig(config: SubscriptionConfig) {
  const { push, retry, deadLetter } = config
  return {
    name: config.name,
    topic: config.topic,
    pushConfig: {
      pushEndpoint: push?.url ?? '',
      ...(push?.token && { oidcToken: { serviceAccountEmail: push.token.email, audience: push.token.audience } })
    },
    ackDeadlineSeconds: config.ackDeadlineSeconds,
    messageRetentionDuration: fromSeconds(config.retentionSeconds),
    enableMessageOrdering: config.ordered,
    filter: config.filter,
    deadLetterPolicy: deadLetter && {
      deadLetterTopic: deadLetter.topic,
      maxDeliveryAttempts: deadLetter.maxDeliveryAttempts
    },
    retryPolicy: retry && {
      minimumBackoff: fromSeconds(retry.minimumBackoffSeconds),
      maximumBackoff: fromSeconds(retry.maximumBackoffSeconds)
    },
    state: 'ACTIVE'
  }
}

export function fromLease({ ackId, message, attempt }: Lease, config: SubscriptionConfig) {
  return {
    ackId,
    message: {
      data: message.data,
      attributes: message.attributes,
      messageId: message.id,
      publishTime: fromSeconds(message.publishTime / 1000),
      orderingKey: message.orderingKey
    },
    deliveryAttempt: config.deadLetter ? attempt : 0
  }
}

const inSeconds = ({ seconds, nanos }: Seconds): number => seconds + nanos / 1e9

function fromSeconds(value: number): Seconds {
  const seconds = Math.floor(value)
  return { seconds, nanos: Math.round((value - seconds) * 1000) * 1e6 }
}
