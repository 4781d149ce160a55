import {
  type DeliveredBy,
  decodeMessage,
  type EventOf,
  type Fault,
  type Received,
  type SubscriptionDefinition,
  type TopicDefinition
} from '@fusion-prime/events'
import { type claimEvents, isDataFault, type Sql } from '@fusion-prime/postgres'
import { deadLetter, decodeData, type Envelope, type Publish, type PushAuth, parseEnvelope } from '@fusion-prime/pubsub'
import { describeError, type Log, newTraceparent, PermanentError } from '@fusion-prime/runtime'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { commitBatch, type Delivery, type Handle, type Settled } from './commit-batch.ts'
import { createGroupCommit, type GroupCommit, type GroupCommitOptions } from './group-commit.ts'
import type { Metrics, Outcome } from './metrics.ts'
import type { OutboxSweeper } from './outbox-sweeper.ts'
import { sendProblem } from './problem.ts'

export type ConsumeDeps = {
  sql: Sql
  log: Log
  metrics: Metrics
  publish: Publish
  sweeper: OutboxSweeper
  pushAuth: PushAuth
  /** `projects/<project>/subscriptions/`. */
  subscriptionPrefix: string
  now: () => Date
  /** The inbox; a test takes it away to see that the checks notice. */
  claim?: typeof claimEvents
  /** How deliveries come to share a transaction; a benchmark takes it away. */
  group?: <Item>(options: GroupCommitOptions<Item, Settled>) => GroupCommit<Item, Settled>
}

export type Consumer<Event, Prepared> = {
  /** Constant message of the log line that each handled event gets, and the fields of that line. */
  logAs: string
  logFields(event: Event): Record<string, unknown>
  /** Why a message that fits its schema can't be handled all the same; it goes to the dead-letter topic. */
  refuse?(event: Event): { fault: Fault; detail: string } | undefined
  /** Calls to others, per message, at once and before the transaction; the signal aborts them when the process is told to end. */
  prepare?(event: Received<Event>, signal: AbortSignal): Promise<Prepared>
  handle: Handle<Event, Prepared>
}

type Verdict<Event> = { outcome: Exclude<Outcome, 'retry'>; event?: Event; refused?: { fault: Fault; detail: string } }

/** Messages that one transaction handles at most. */
const MAX_BATCH = 200

/**
 * The push endpoint of a subscription, `POST /pubsub/<topic>`: authenticate, parse, check, then group commit (inbox, effect and outbox in
 * one transaction), then answer. 204: handled, a duplicate, or put on the dead-letter topic with a reason. 503: try again.
 */
export function consume<Topic extends TopicDefinition, Prepared = undefined>(
  subscription: SubscriptionDefinition<Topic>,
  consumer: Consumer<EventOf<Topic>, Prepared>
): (deps: ConsumeDeps) => FastifyPluginAsync {
  return deps => async app => {
    const { name, topic } = subscription
    const ending = new AbortController()
    app.addHook('preClose', async () => ending.abort(new Error('the process is ending')))
    const settle = createSettle(subscription, { consumer, deps, signal: ending.signal })

    // A name like __proto__ is the message's affair: refused with its envelope, it would come for ever.
    app.addContentTypeParser('application/json', { parseAs: 'string' }, app.getDefaultJsonParser('ignore', 'ignore'))

    async function answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
      const startedAt = performance.now()
      const parsed = parseEnvelope(request.body)
      if ('fault' in parsed) return sendProblem(reply, { status: 400, detail: parsed.fault })
      const { envelope } = parsed
      if (envelope.subscription !== `${deps.subscriptionPrefix}${name}`) {
        return sendProblem(reply, { status: 403, detail: `this endpoint takes ${name} only` })
      }
      const finish = (outcome: Outcome, event?: EventOf<Topic>) => {
        const elapsed = performance.now() - startedAt
        deps.metrics.messages.inc({ subscription: name, outcome })
        deps.metrics.messageSeconds.observe({ subscription: name }, elapsed / 1000)
        const own = event && consumer.logFields(event)
        return { ...messageFields(name, envelope), ...own, outcome, processing_time_ms: Math.round(elapsed) }
      }
      try {
        const { outcome, event, refused } = await settle(envelope)
        if (refused) {
          await publishDeadLetter(deps, { envelope, topic: topic.name, ...refused })
          const { fault: reason, detail } = refused
          deps.log.error({ ...finish(outcome, event), reason, detail: detail.slice(0, 300) }, 'message_dead_lettered')
        } else {
          deps.log.info(finish(outcome, event), consumer.logAs)
        }
        return reply.status(204).send()
      } catch (error) {
        deps.log.error({ ...finish('retry'), error }, 'message_handling_failed')
        return sendProblem(reply, { status: 503, detail: 'try again' })
      }
    }

    const operationId = `push_${topic.name.replaceAll(/[^a-z0-9]/g, '_')}`
    const schema = { operationId, summary: `Pub/Sub pushes ${name} here`, tags: ['push'] }
    app.post(
      `/pubsub/${topic.name}`,
      { config: { access: 'push' }, schema, onRequest: requirePush(deps, name) },
      answer
    )
  }
}

function requirePush({ pushAuth, log }: ConsumeDeps, subscription: string) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const refusal = await pushAuth(request.headers.authorization)
    if (!refusal) return undefined
    log.warn({ subscription, status: refusal.status, reason: refusal.reason }, 'push_refused')
    return sendProblem(reply, { status: refusal.status, detail: refusal.reason })
  }
}

/** From an envelope to what became of its message; throws when it should be tried again. */
function createSettle<Topic extends TopicDefinition, Prepared>(
  { topic }: SubscriptionDefinition<Topic>,
  { consumer, deps, signal }: { consumer: Consumer<EventOf<Topic>, Prepared>; deps: ConsumeDeps; signal: AbortSignal }
): (envelope: Envelope) => Promise<Verdict<DeliveredBy<SubscriptionDefinition<Topic>>>> {
  const isItemFault = (error: unknown) => error instanceof PermanentError || isDataFault(error)
  const { group = createGroupCommit } = deps
  const batches = group<Delivery<EventOf<Topic>, Prepared>>({
    commit: async deliveries => {
      deps.metrics.batchSize.observe({ topic: topic.name }, deliveries.length)
      return commitBatch(deliveries, { sql: deps.sql, topic: topic.name, handle: consumer.handle, claim: deps.claim })
    },
    isItemFault,
    maxBatch: MAX_BATCH
  })

  return async envelope => {
    const data = decodeData(envelope.data)
    if ('fault' in data) return { outcome: 'dead_letter', refused: data }
    const decoded = decodeMessage(topic, { data: data.text, attributes: envelope.attributes })
    if ('fault' in decoded) return { outcome: 'dead_letter', refused: decoded }
    const { received } = decoded
    const event = received.body
    const refused = consumer.refuse?.(event)
    if (refused) return { outcome: 'dead_letter', event, refused }
    try {
      // A consumer without `prepare` has Prepared = undefined by the type parameter's default; the compiler can't see that here.
      const prepared = (await consumer.prepare?.(received, signal)) as Prepared
      const traceparent = received.traceparent ?? newTraceparent()
      const { claim, announced } = await batches.submit({ ...received, traceparent, prepared })
      if (announced || deps.sweeper.isBehind()) await deps.sweeper.flush()
      if (claim !== 'id_reused') return { outcome: claim === 'new' ? 'handled' : 'duplicate', event }
      const detail = `event_id ${received.event_id} came before with another body`
      return { outcome: 'dead_letter', event, refused: { fault: 'id_reused', detail } }
    } catch (error) {
      if (!isItemFault(error)) throw error
      return { outcome: 'dead_letter', event, refused: { fault: 'handler_refused', detail: describeError(error) } }
    }
  }
}

async function publishDeadLetter(
  { publish, now }: ConsumeDeps,
  { envelope, ...reason }: { envelope: Envelope; topic: string; fault: Fault; detail: string }
): Promise<void> {
  const [failed] = await publish([deadLetter(envelope, { ...reason, now: now() })])
  if (failed) throw new Error('the dead letter could not be published', { cause: failed })
}

function messageFields(
  subscription: string,
  { message_id, attributes, delivery_attempt }: Envelope
): Record<string, unknown> {
  const { event_id, correlation_id } = attributes
  return { subscription, message_id, event_id, correlation_id, delivery_attempt }
}
