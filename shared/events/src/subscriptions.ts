import { defineSubscription, type TopicDefinition } from './define.ts'
import { escrowEvents } from './escrow.ts'
import { chainRanges } from './ranges.ts'
import { settlementEvents } from './settlement.ts'

/** All topics, by name. */
export const topics = {
  'escrow-events': escrowEvents,
  'chain.ranges.v1': chainRanges,
  'settlement.events.v1': settlementEvents
} as const

/** For consumers that act once per fact: the first message of an incarnation, and the revert. */
const onceAndReverts = 'attributes.first = "true" OR attributes.finality = "reverted"'

/** All push subscriptions, by name: who gets which events, pushed to `/pubsub/<topic>` of the service. */
export const subscriptions = {
  'escrow-events-settlement': defineSubscription({ topic: escrowEvents, service: 'settlement', filter: null }),
  'escrow-events-risk-engine': defineSubscription({
    topic: escrowEvents,
    service: 'risk-engine',
    filter: onceAndReverts
  }),
  'escrow-events-compliance': defineSubscription({ topic: escrowEvents, service: 'compliance', filter: onceAndReverts })
} as const

export const topicList: readonly TopicDefinition[] = Object.values(topics)
export const subscriptionList = Object.values(subscriptions)

/** The topic that declares an event type; undefined for a type that the catalogue doesn't know. */
export const topicOfType = (type: string): TopicDefinition | undefined =>
  topicList.find(topic => topic.events.some(event => event.type === type))
