import { Agent } from 'undici'
import type { Clock } from './clock.ts'
import type { PushTarget } from './config.ts'
import type { Consumer, Lease } from './lease.ts'
import type { Subscription } from './subscription.ts'
import { createTokens, type MintToken } from './tokens.ts'

/** One push and what came of it; no status means no answer (refused, reset, too late, no token). */
export type Delivery = {
  subscription: string
  messageId: string
  orderingKey: string
  attempt: number
  status: number | null
  milliseconds: number
}

export type Pusher = {
  /** Begins to push a subscription's messages; returns what stops it. */
  start: (subscription: Subscription) => () => void
  close: () => Promise<void>
}

export type PusherDeps = {
  clock: Clock
  mintToken: MintToken
  /** Pushes in flight per subscription, each on its own connection. */
  maxOutstanding: number
  onDelivery: (delivery: Delivery) => void
}

/** https://cloud.google.com/pubsub/docs/push#receive_push */
const ACK_STATUS = new Set([102, 200, 201, 202, 204])

export function createPusher({ clock, mintToken, maxOutstanding, onDelivery }: PusherDeps): Pusher {
  const tokens = createTokens(mintToken, clock)
  const agent = new Agent({ connections: maxOutstanding, pipelining: 1 })
  let closed = false

  function start(subscription: Subscription): () => void {
    function settle(lease: Lease, { status, sentAt }: { status: number | null; sentAt: number }) {
      if (closed) return
      onDelivery({
        subscription: subscription.config.name,
        messageId: lease.message.id,
        orderingKey: lease.message.orderingKey,
        attempt: lease.attempt,
        status,
        milliseconds: clock.now() - sentAt
      })
      if (status !== null && ACK_STATUS.has(status)) subscription.ack(lease.ackId)
      else subscription.nack(lease.ackId)
    }

    function send(lease: Lease) {
      const sentAt = clock.now()
      const { push, ackDeadlineSeconds } = subscription.config
      const fail = () => settle(lease, { status: null, sentAt })
      const post = (token: string | null) =>
        push &&
        dispatch(agent, {
          push,
          token,
          body: pushBody(subscription, lease),
          timeoutMs: ackDeadlineSeconds * 1000,
          answered: status => settle(lease, { status, sentAt })
        })
      if (!push) return queueMicrotask(fail)
      const token = push.token && tokens(push.token)
      if (token instanceof Promise) token.then(post).catch(fail)
      else post(token)
    }

    const consumer: Consumer = {
      maxMessages: maxOutstanding,
      maxBytes: Number.POSITIVE_INFINITY,
      messages: 0,
      bytes: 0,
      wake: () => subscription.take(consumer).forEach(send),
      end: () => {}
    }
    return subscription.attach(consumer)
  }

  return {
    start,
    async close() {
      closed = true
      await agent.destroy()
    }
  }
}

type Post = {
  push: PushTarget
  token: string | null
  body: string
  timeoutMs: number
  /** Called once, with the first status that decides, or null. */
  answered: (status: number | null) => void
}

function dispatch(agent: Agent, { push, token, body, timeoutMs, answered }: Post) {
  const { origin, pathname, search } = new URL(push.url)
  const headers: Record<string, string> = { 'content-type': 'application/json', 'user-agent': 'CloudPubSub-Google' }
  if (token !== null) headers.authorization = `Bearer ${token}`
  let open = true
  function answer(status: number | null) {
    if (!open) return
    open = false
    answered(status)
  }
  agent.dispatch(
    {
      origin,
      path: pathname + search,
      method: 'POST',
      headers,
      body,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs
    },
    {
      onRequestStart() {},
      onResponseStart(_controller, status) {
        if (status === 102 || status >= 200) answer(status)
      },
      onResponseData() {},
      onResponseEnd() {},
      onResponseError: () => answer(null)
    }
  )
}

/** Both spellings of each name, as Google sends them; what is empty is left out. */
function pushBody({ config }: Subscription, { message, attempt }: Lease): string {
  const { id, data, attributes, orderingKey } = message
  const publishTime = new Date(message.publishTime).toISOString()
  return JSON.stringify({
    message: {
      attributes: Object.keys(attributes).length > 0 ? attributes : undefined,
      data: data.length > 0 ? data.toString('base64') : undefined,
      messageId: id,
      message_id: id,
      orderingKey: orderingKey || undefined,
      publishTime,
      publish_time: publishTime
    },
    subscription: config.name,
    deliveryAttempt: config.deadLetter ? attempt : undefined
  })
}
