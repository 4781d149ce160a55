import type { ServerUnaryCall, UntypedServiceImplementation } from '@grpc/grpc-js'
import type { Engine } from './engine.ts'
import { BrokerError, invalid } from './errors.ts'
import { page, unary } from './grpc.ts'
import { type Consumer, isAckId, type Lease } from './lease.ts'
import { checkName } from './limits.ts'
import { createStreamingPull } from './streaming-pull.ts'
import type { Subscription } from './subscription.ts'
import { fromConfig, fromLease, toConfig, toPush, type WirePushConfig, type WireSubscription } from './wire.ts'

type Paging = { pageSize: number; pageToken: string }
type Named = { subscription: string }

/** How long a Pull waits for a first message; Google waits "a bounded amount of time" as well. */
const PULL_WAIT_MS = 2000

/** google.pubsub.v1.Subscriber */
export function subscriberService(engine: Engine): UntypedServiceImplementation {
  function find(name: string): Subscription {
    checkName(name, 'subscriptions')
    return engine.subscription(name)
  }
  return {
    createSubscription: unary((wire: WireSubscription) => {
      const config = toConfig(wire)
      checkName(wire.topic, 'topics')
      if (config.deadLetter) checkName(config.deadLetter.topic, 'topics')
      return fromConfig(engine.createSubscription(config).config)
    }),
    getSubscription: unary(({ subscription }: Named) => fromConfig(find(subscription).config)),
    listSubscriptions: unary(({ project, ...paging }: Paging & { project: string }) => {
      const names = engine.subscriptions().map(({ config }) => config.name)
      const { items, nextPageToken } = page(
        names.filter(name => name.startsWith(`${project}/`)),
        paging
      )
      return { subscriptions: items.map(name => fromConfig(engine.subscription(name).config)), nextPageToken }
    }),
    deleteSubscription: unary(({ subscription }: Named) => {
      find(subscription)
      engine.deleteSubscription(subscription)
      return {}
    }),
    modifyPushConfig: unary(({ subscription, pushConfig }: Named & { pushConfig: WirePushConfig | null }) => {
      find(subscription)
      engine.setPush(subscription, toPush(pushConfig))
      return {}
    }),
    acknowledge: unary(({ subscription, ackIds }: Named & { ackIds: string[] }) => {
      const found = find(subscription)
      checkAckIds(subscription, ackIds)
      for (const ackId of ackIds) found.ack(ackId)
      return {}
    }),
    modifyAckDeadline: unary((request: Named & { ackIds: string[]; ackDeadlineSeconds: number }) => {
      const { subscription, ackIds, ackDeadlineSeconds: seconds } = request
      if (seconds < 0 || seconds > 600) throw invalid(`ack_deadline_seconds is ${seconds}: must be 0 to 600.`)
      const found = find(subscription)
      checkAckIds(subscription, ackIds)
      for (const ackId of ackIds) found.extend(ackId, seconds)
      return {}
    }),
    pull: unary(async (request: PullRequest, call: ServerUnaryCall<PullRequest, unknown>) => {
      const { maxMessages, returnImmediately } = request
      if (maxMessages <= 0) throw invalid(`max_messages is ${maxMessages}: must be at least 1.`)
      const subscription = pullable(find(request.subscription))
      const leases = await pull(subscription, { maxMessages, waitMs: returnImmediately ? 0 : PULL_WAIT_MS, call })
      return { receivedMessages: leases.map(lease => fromLease(lease, subscription.config)) }
    }),
    streamingPull: createStreamingPull(name => pullable(find(name)))
  }
}

type PullRequest = Named & { maxMessages: number; returnImmediately: boolean }

function pullable(subscription: Subscription): Subscription {
  if (!subscription.config.push) return subscription
  throw new BrokerError(
    'FAILED_PRECONDITION',
    `${subscription.config.name} is a push subscription: it can't be pulled.`
  )
}

/** An id of a lease that has ended is fine: acks may come late, or twice. */
function checkAckIds(subscription: string, ackIds: readonly string[]) {
  if (ackIds.length === 0) throw invalid('No ack ids specified.')
  const foreign = ackIds.find(ackId => !isAckId(ackId, subscription))
  if (foreign !== undefined) throw invalid(`Ack id '${foreign}' is not from ${subscription}.`)
}

type PullOptions = { maxMessages: number; waitMs: number; call: ServerUnaryCall<PullRequest, unknown> }

function pull(subscription: Subscription, { maxMessages, waitMs, call }: PullOptions): Promise<Lease[]> {
  return new Promise(resolve => {
    let detach = () => {}
    let timer: NodeJS.Timeout | undefined
    let open = true
    function finish(leases: Lease[]) {
      open = false
      clearTimeout(timer)
      detach()
      resolve(leases)
    }
    const consumer: Consumer = {
      maxMessages,
      maxBytes: Number.POSITIVE_INFINITY,
      messages: 0,
      bytes: 0,
      wake() {
        const leases = open ? subscription.take(consumer) : []
        if (leases.length > 0) finish(leases)
      },
      end: () => finish([])
    }
    consumer.wake()
    if (!open) return
    if (waitMs === 0) return finish([])
    timer = setTimeout(() => finish([]), waitMs)
    call.on('cancelled', () => finish([]))
    detach = subscription.attach(consumer)
  })
}
