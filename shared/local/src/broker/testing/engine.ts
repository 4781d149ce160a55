import { createAgenda } from '../agenda.ts'
import type { SubscriptionConfig } from '../config.ts'
import { createEngine } from '../engine.ts'
import type { Faults } from '../faults.ts'
import { type Journal, noJournal } from '../journal.ts'
import type { Consumer, Lease } from '../lease.ts'
import type { Subscription } from '../subscription.ts'
import { createManualClock, subscriptionName, topicName } from './support.ts'

export type Answer = 'ack' | 'nack' | 'hold'

type Seen = { subscription: string; text: string; key: string; attempt: number; seconds: number }

const config: SubscriptionConfig = {
  name: subscriptionName('consumer'),
  topic: topicName('events'),
  push: { url: 'http://consumer.test/', token: null },
  filter: '',
  ordered: true,
  ackDeadlineSeconds: 60,
  retry: { minimumBackoffSeconds: 10, maximumBackoffSeconds: 600 },
  deadLetter: null,
  retentionSeconds: 7 * 86_400
}

/** An engine on time that is moved by hand, with consumers that answer as told instead of HTTP. */
export function createTestEngine(options: { faults?: Faults; journal?: Journal; maxMessages?: number } = {}) {
  const clock = createManualClock()
  const agenda = createAgenda(clock)
  const startedAt = clock.now()
  const deliveries: Seen[] = []
  const inHand: { lease: Lease; subscription: Subscription }[] = []
  let answer: (seen: Seen) => Answer = () => 'ack'

  function see({ lease, subscription }: { lease: Lease; subscription: Subscription }): Seen {
    return {
      subscription: subscription.config.name,
      text: lease.message.data.toString(),
      key: lease.message.orderingKey,
      attempt: lease.attempt,
      seconds: (clock.now() - startedAt) / 1000
    }
  }

  function startPush(subscription: Subscription) {
    const consumer = createConsumer(options.maxMessages)
    consumer.wake = () => {
      for (const lease of subscription.take(consumer)) {
        inHand.push({ lease, subscription })
        deliveries.push(see({ lease, subscription }))
      }
    }
    return subscription.attach(consumer)
  }

  const { faults, journal = noJournal } = options
  const engine = createEngine({ clock, agenda, journal, faults, startPush })
  engine.createTopic(topicName('events'))

  /** Answers what is in hand, and what comes of that, until nothing comes any more. */
  function settle() {
    const held: typeof inHand = []
    for (let next = inHand.shift(); next; next = inHand.shift()) {
      const said = answer(see(next))
      if (said === 'hold') held.push(next)
      else next.subscription[said](next.lease.ackId)
    }
    inHand.push(...held)
  }

  return {
    engine,
    clock,
    deliveries,
    subscribe: (fields: Partial<SubscriptionConfig> = {}) => engine.createSubscription({ ...config, ...fields }),
    publish(...texts: string[]) {
      const messages = texts.map(text => ({
        data: Buffer.from(text),
        attributes: {},
        orderingKey: text.split('-')[0] ?? ''
      }))
      const ids = engine.publish(topicName('events'), messages)
      settle()
      return ids
    },
    answerWith(next: (seen: Seen) => Answer) {
      answer = next
      settle()
    },
    /** Second by second, answering after each. */
    wait(seconds: number) {
      for (let second = 0; second < seconds; second++) {
        clock.advance(1000)
        settle()
      }
    },
    texts: () => deliveries.map(({ text }) => text)
  }
}

export function createConsumer(maxMessages = Number.POSITIVE_INFINITY): Consumer {
  return { maxMessages, maxBytes: Number.POSITIVE_INFINITY, messages: 0, bytes: 0, wake() {}, end() {} }
}
