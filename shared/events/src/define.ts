import type { Static, TObject } from 'typebox'

/** The dead-letter topic of a topic: by construction, here and in Terraform alike. */
export const deadLetterTopic = (topic: string): string => `${topic}-dlq`

/** An event is declared once: types, validation, documents and Terraform derive from this. */
export type EventDefinition<Type extends string = string, Body extends TObject = TObject> = {
  readonly type: Type
  readonly version: number
  /** One sentence: what it means that this was published. */
  readonly meaning: string
  readonly body: Body
  readonly example: Static<Body>
}

export function defineEvent<const Type extends string, Body extends TObject>(
  event: EventDefinition<Type, Body>
): EventDefinition<Type, Body> {
  return event
}

export type BodyOf<Event> = Event extends EventDefinition<string, infer Body> ? Static<Body> : never

export type TopicDefinition<Event extends EventDefinition = EventDefinition> = {
  readonly name: string
  readonly meaning: string
  /** The body's field whose value is the Pub/Sub ordering key. */
  readonly orderingKey: string
  /** The field that stands in when that one is null. */
  readonly orderingKeyElse?: string
  /** Stands before that value, so that keys of different things differ. */
  readonly orderingKeyPrefix?: string
  readonly publishers: readonly string[]
  readonly events: readonly Event[]
  /** Attributes beyond those of every topic; each repeats the body's field of that name, or is listed in `freeAttributes`. */
  readonly attributes: readonly string[]
  /** Attributes that are not in the body, with the values that they may have. */
  readonly freeAttributes: Readonly<Record<string, readonly string[]>>
  /** Adds fields that a body may leave out, since its others give them. */
  readonly complete?: (body: Readonly<Record<string, unknown>>) => Record<string, unknown>
  /** Ids that the body's own parts must give, by field name. */
  readonly derivedIds: (body: BodyOf<Event>) => Readonly<Record<string, string>>
}

export function defineTopic<Event extends EventDefinition>(topic: TopicDefinition<Event>): TopicDefinition<Event> {
  return topic
}

export type EventOf<Topic> = Topic extends TopicDefinition<infer Event> ? BodyOf<Event> : never

export type SubscriptionDefinition<Topic extends TopicDefinition = TopicDefinition> = {
  readonly name: string
  readonly topic: Topic
  readonly service: string
  /** Pub/Sub filter over attributes, at most 256 bytes; null delivers all. Immutable once the subscription is made. */
  readonly filter: string | null
  /** Whether deliveries of one ordering key come one at a time, in order. */
  readonly ordered: boolean
  readonly ackDeadlineSeconds: number
  readonly minimumBackoffSeconds: number
  readonly maximumBackoffSeconds: number
  /** 5 to 100 deliveries, then Pub/Sub moves the message to the dead-letter topic. */
  readonly maxDeliveryAttempts: number
  readonly messageRetentionSeconds: number
}

/**
 * Seven days is Pub/Sub's default retention. With 100 attempts and 10 s to 600 s of back-off a message is tried for over 15 hours,
 * so an outage of a database doesn't dead-letter healthy messages.
 */
const delivery = {
  ordered: false,
  ackDeadlineSeconds: 60,
  minimumBackoffSeconds: 10,
  maximumBackoffSeconds: 600,
  maxDeliveryAttempts: 100,
  messageRetentionSeconds: 7 * 86_400
}

export function defineSubscription<Topic extends TopicDefinition>(
  subscription: Pick<SubscriptionDefinition<Topic>, 'topic' | 'service' | 'filter'> &
    Partial<SubscriptionDefinition<Topic>>
): SubscriptionDefinition<Topic> {
  return { name: `${subscription.topic.name}-${subscription.service}`, ...delivery, ...subscription }
}

/** The events that a subscription delivers; a handler map over it is total or doesn't compile. */
export type DeliveredBy<Subscription> =
  Subscription extends SubscriptionDefinition<infer Topic> ? EventOf<Topic> : never

/** Shortest time from the first delivery to the dead-letter topic when every attempt fails at once, in seconds. */
export function secondsToDeadLetter(
  policy: Pick<SubscriptionDefinition, 'minimumBackoffSeconds' | 'maximumBackoffSeconds' | 'maxDeliveryAttempts'>
): number {
  const waits = Array.from({ length: policy.maxDeliveryAttempts - 1 }, (_, attempt) =>
    Math.min(policy.minimumBackoffSeconds * 2 ** attempt, policy.maximumBackoffSeconds)
  )
  return waits.reduce((sum, wait) => sum + wait, 0)
}
