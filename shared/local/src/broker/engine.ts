import type { Agenda } from './agenda.ts'
import type { Clock } from './clock.ts'
import type { Backoff, PushTarget, SubscriptionConfig } from './config.ts'
import { BrokerError } from './errors.ts'
import { createMischief, type Faults } from './faults.ts'
import { type Filter, parseFilter } from './filter.ts'
import type { Journal } from './journal.ts'
import type { Message, NewMessage } from './message.ts'
import { createSubscription, type Subscription } from './subscription.ts'

export const DELETED_TOPIC = '_deleted-topic_'

/** Topics and subscriptions by full name. Unknown names throw NOT_FOUND, taken ones ALREADY_EXISTS. */
export type Engine = {
  createTopic: (name: string) => void
  hasTopic: (name: string) => boolean
  deleteTopic: (name: string) => void
  topics: () => string[]
  publish: (topic: string, messages: readonly NewMessage[]) => string[]
  createSubscription: (config: SubscriptionConfig) => Subscription
  subscription: (name: string) => Subscription
  findSubscription: (name: string) => Subscription | undefined
  deleteSubscription: (name: string) => void
  setPush: (name: string, push: PushTarget | null) => void
  subscriptions: () => Subscription[]
  /** Resolves when no push subscription has anything left to deliver or outstanding. */
  idle: () => Promise<void>
}

export type EngineDeps = {
  clock: Clock
  agenda: Agenda
  journal: Journal
  faults?: Faults | undefined
  /** Replace every subscription's own. */
  retry?: Backoff | undefined
  ackDeadlineSeconds?: number | undefined
  /** Starts pushing, returns what stops it. */
  startPush: (subscription: Subscription) => () => void
}

type Registered = { subscription: Subscription; filter: Filter; stopPush: (() => void) | undefined }

export function createEngine(deps: EngineDeps): Engine {
  const { clock, agenda, journal } = deps
  const topics = new Set<string>()
  const registered = new Map<string, Registered>()
  const idleWaiters = new Set<() => void>()
  /** Above every id of an earlier run as long as that took fewer than 1,000 messages a millisecond. */
  let nextId = Math.max(1, clock.now() * 1000)

  function get(name: string): Registered {
    const found = registered.get(name)
    if (!found) throw new BrokerError('NOT_FOUND', `Subscription does not exist (resource=${name}).`)
    return found
  }
  function requireTopic(name: string) {
    if (!topics.has(name)) throw new BrokerError('NOT_FOUND', `Topic does not exist (resource=${name}).`)
  }

  function publish(topic: string, messages: readonly NewMessage[]): string[] {
    requireTopic(topic)
    const stamped = messages.map(message => ({ ...message, id: String(nextId++), publishTime: clock.now() }))
    const readers = [...registered.values()].filter(({ subscription }) => subscription.config.topic === topic)
    const matching = readers.map(({ subscription, filter }) => ({
      subscription,
      messages: stamped.filter(message => filter(message.attributes))
    }))
    journal.published(deliveries(stamped, matching))
    for (const { subscription, messages: matched } of matching) subscription.add(matched)
    return stamped.map(({ id }) => id)
  }

  /** As at Google: a new message id, and four attributes that say where it came from. */
  function forward({ name, deadLetter }: SubscriptionConfig, message: Message): boolean {
    if (!deadLetter || !topics.has(deadLetter.topic)) return false
    const [, project = '', , id = ''] = name.split('/')
    const attributes = {
      ...message.attributes,
      CloudPubSubDeadLetterSourceDeliveryCount: String(deadLetter.maxDeliveryAttempts),
      CloudPubSubDeadLetterSourceSubscription: id,
      CloudPubSubDeadLetterSourceSubscriptionProject: project,
      CloudPubSubDeadLetterSourceTopicPublishTime: new Date(message.publishTime).toISOString()
    }
    publish(deadLetter.topic, [{ data: message.data, attributes, orderingKey: message.orderingKey }])
    return true
  }

  function checkIdle() {
    if (idleWaiters.size === 0 || !isIdle()) return
    for (const resolve of idleWaiters) resolve()
    idleWaiters.clear()
  }
  function isIdle(): boolean {
    return [...registered.values()].every(({ subscription }) => {
      if (!subscription.config.push) return true
      const { outstanding, backlog } = subscription.stats()
      return outstanding + backlog === 0
    })
  }

  return {
    createTopic(name) {
      if (topics.has(name)) throw new BrokerError('ALREADY_EXISTS', `Topic already exists (resource=${name}).`)
      topics.add(name)
    },
    hasTopic: name => topics.has(name),
    deleteTopic(name) {
      requireTopic(name)
      topics.delete(name)
      for (const { subscription } of registered.values()) {
        if (subscription.config.topic === name) subscription.config.topic = DELETED_TOPIC
      }
    },
    topics: () => [...topics],
    publish,
    createSubscription(wanted) {
      const { name } = wanted
      if (registered.has(name)) {
        throw new BrokerError('ALREADY_EXISTS', `Subscription already exists (resource=${name}).`)
      }
      requireTopic(wanted.topic)
      const config = {
        ...wanted,
        retry: deps.retry ?? wanted.retry,
        ackDeadlineSeconds: deps.ackDeadlineSeconds ?? wanted.ackDeadlineSeconds
      }
      const filter = parseFilter(config.filter)
      const subscription = createSubscription(config, {
        clock,
        agenda,
        mischief: deps.faults && createMischief(deps.faults, name),
        deadLetter: forward,
        settled: message => journal.settled(name, message.id),
        emptied: checkIdle
      })
      const stopPush = config.push ? deps.startPush(subscription) : undefined
      registered.set(name, { subscription, filter, stopPush })
      subscription.add(journal.recover(name))
      return subscription
    },
    subscription: name => get(name).subscription,
    findSubscription: name => registered.get(name)?.subscription,
    deleteSubscription(name) {
      const { subscription, stopPush } = get(name)
      stopPush?.()
      registered.delete(name)
      journal.dropped(name)
      subscription.close()
    },
    setPush(name, push) {
      const entry = get(name)
      entry.subscription.config.push = push
      if (!push) entry.stopPush?.()
      entry.stopPush = push ? (entry.stopPush ?? deps.startPush(entry.subscription)) : undefined
      checkIdle()
    },
    subscriptions: () => [...registered.values()].map(({ subscription }) => subscription),
    async idle() {
      if (isIdle()) return
      await new Promise<void>(resolve => idleWaiters.add(resolve))
    }
  }
}

function deliveries(
  stamped: readonly Message[],
  matching: readonly { subscription: Subscription; messages: readonly Message[] }[]
) {
  const names = new Map<Message, string[]>(stamped.map(message => [message, []]))
  for (const { subscription, messages } of matching) {
    for (const message of messages) names.get(message)?.push(subscription.config.name)
  }
  return stamped.map(message => ({ message, subscriptions: names.get(message) ?? [] }))
}
