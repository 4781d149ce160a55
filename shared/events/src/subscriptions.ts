import { settlementCommands } from './commands.ts'
import { complianceEvents } from './compliance.ts'
import { defineSubscription, type TopicDefinition } from './define.ts'
import { escrowEvents } from './escrow.ts'
import { marketPrices } from './prices.ts'
import { chainRanges } from './ranges.ts'
import { marginAlerts, riskEvents } from './risk.ts'
import { settlementEvents } from './settlement.ts'

/** All topics, by name. */
export const topics = {
  'escrow-events': escrowEvents,
  'settlement-commands': settlementCommands,
  'settlement.events.v1': settlementEvents,
  'risk-events': riskEvents,
  'compliance-events': complianceEvents,
  'chain.ranges.v1': chainRanges,
  'market.prices.v1': marketPrices,
  'alerts.margin.v1': marginAlerts
} as const

/** For consumers that act once per fact: the first message of an incarnation, and the revert. */
const onceAndReverts = 'attributes.first = "true" OR attributes.finality = "reverted"'

const facts = { topic: escrowEvents, ordered: true } as const

/** All push subscriptions, by name: who gets which events, pushed to `/pubsub/<topic>` of the service. */
export const subscriptions = {
  'escrow-events-settlement': defineSubscription({ ...facts, service: 'settlement', filter: null }),
  'escrow-events-risk-engine': defineSubscription({ ...facts, service: 'risk-engine', filter: onceAndReverts }),
  'escrow-events-compliance': defineSubscription({ ...facts, service: 'compliance', filter: onceAndReverts }),
  'settlement-commands-settlement': defineSubscription({
    topic: settlementCommands,
    service: 'settlement',
    filter: null
  }),
  'settlement.events.v1-risk-engine': defineSubscription({
    topic: settlementEvents,
    service: 'risk-engine',
    filter: null
  }),
  'settlement.events.v1-compliance': defineSubscription({
    topic: settlementEvents,
    service: 'compliance',
    filter: null
  }),
  'risk-events-settlement': defineSubscription({ topic: riskEvents, service: 'settlement', filter: null }),
  'compliance-events-settlement': defineSubscription({ topic: complianceEvents, service: 'settlement', filter: null }),
  'chain.ranges.v1-settlement': defineSubscription({ topic: chainRanges, service: 'settlement', filter: null }),
  'chain.ranges.v1-risk-engine': defineSubscription({ topic: chainRanges, service: 'risk-engine', filter: null }),
  'chain.ranges.v1-compliance': defineSubscription({ topic: chainRanges, service: 'compliance', filter: null }),
  'risk-engine-prices-consumer': defineSubscription({
    topic: marketPrices,
    service: 'risk-engine',
    filter: null,
    name: 'risk-engine-prices-consumer'
  }),
  'compliance-prices-consumer': defineSubscription({
    topic: marketPrices,
    service: 'compliance',
    filter: null,
    name: 'compliance-prices-consumer'
  })
} as const

export const topicList: readonly TopicDefinition[] = Object.values(topics)
export const subscriptionList = Object.values(subscriptions)

/** The topic that declares an event type; undefined for a type that the catalogue doesn't know. */
export const topicOfType = (type: string): TopicDefinition | undefined =>
  topicList.find(topic => topic.events.some(event => event.type === type))
