import { randomUUID } from 'node:crypto'
import { CommandOpen, encodeMessage, type SettlementCommand, settlementCommands } from '@fusion-prime/events'
import { type CallContext, type CallResult, createMetrics, type ServiceClient } from '@fusion-prime/http'
import { PUSH_PREFIX } from '@fusion-prime/local/testing/facts.ts'
import { createTestParts, type TestParts } from '@fusion-prime/local/testing/service.ts'
import type { AnswerOf, assessPortfolio, checkCompliance, Operation } from '@fusion-prime/operations'
import type { FastifyInstance } from 'fastify'
import { createSettlement, migrations } from '../app.ts'

export const lowRisk: AnswerOf<typeof assessPortfolio> = {
  risk_score: 0.25,
  risk_level: 'low',
  margin_available: '5141.73'
}
export const approval: AnswerOf<typeof checkCompliance> = {
  check_id: 'c',
  status: 'approved',
  approved: true,
  checks: ['kyc_verified', 'aml_clear'],
  reasons: []
}

/** A callee whose answer a test chooses; undefined: it is away. */
export type FakeCallee<Answer> = ServiceClient & {
  answer: Answer | undefined
  /** Held back until this resolves, or the call is aborted. */
  gate: Promise<void>
  requests: Record<string, unknown>[]
  contexts: CallContext[]
}

function createFakeCallee<Answer>(usual: Answer): FakeCallee<Answer> {
  const fake: FakeCallee<Answer> = {
    answer: usual,
    gate: Promise.resolve(),
    requests: [],
    contexts: [],
    breaker: () => 'closed',
    async call<Op extends Operation>(_operation: Op, request: unknown, context: CallContext) {
      fake.requests.push(request as Record<string, unknown>) // every operation's request is an object
      fake.contexts.push(context)
      const { signal } = context
      const aborted = Promise.withResolvers<never>()
      signal?.addEventListener('abort', () => aborted.reject(signal.reason), { once: true })
      await Promise.race([fake.gate, aborted.promise])
      const away = { ok: false, reason: 'unreachable', status: null, detail: 'nobody listens', attempts: 3 } as const
      if (!fake.answer) return away
      const given = { ok: true, answer: fake.answer, attempts: 1 } as const
      return given as unknown as CallResult<Op> // a fake is asked for one operation, whose answers the test gives it
    }
  }
  return fake
}

export type TestSettlement = TestParts & {
  app: FastifyInstance
  risk: FakeCallee<AnswerOf<typeof assessPortfolio>>
  compliance: FakeCallee<AnswerOf<typeof checkCompliance>>
  /** Another instance on the same database, with the same callees. */
  createInstance(): FastifyInstance
  /** Bodies of a topic's messages that were sent about a command. */
  sentAbout(command_id: string, topic?: string): Record<string, unknown>[]
}

/** Settlement on a fresh database, with callees that approve unless told otherwise. */
export async function createTestSettlement(): Promise<TestSettlement> {
  const parts = await createTestParts('settlement', migrations)
  const risk = createFakeCallee(lowRisk)
  const compliance = createFakeCallee(approval)
  const createInstance = () => createSettlement({ ...parts, metrics: createMetrics(), risk, compliance })
  const app = createInstance()
  return {
    ...parts,
    app,
    risk,
    compliance,
    createInstance,
    sentAbout: (command_id, topic = 'settlement.events.v1') =>
      parts.sent
        .filter(message => message.topic === topic)
        .map(message => JSON.parse(String(message.data)))
        .filter(body => body.command_id === command_id),
    async close() {
      await app.close()
      await parts.close()
    }
  }
}

/** A body for ingest that is unlike any other. */
export function createCommand(values: Record<string, unknown> = {}): Record<string, unknown> & { command_id: string } {
  const { event_id, event_type, ...example } = CommandOpen.example
  const own = { command_id: randomUUID(), workflow_id: `payout-${randomUUID()}`, source_event_id: null, ...values }
  return { ...example, ...own }
}

/** A push of a command as Pub/Sub would make it, for Fastify's `inject`. */
export function pushOfCommand(given: Record<string, unknown>): { method: 'POST'; url: string; payload: object } {
  const fields = { ...given, event_id: given.command_id, event_type: `command_${given.command_type}` }
  const command = fields as unknown as SettlementCommand // encodeMessage checks that it is one
  const { data, attributes, ordering_key } = encodeMessage(settlementCommands, command, {
    correlation_id: String(given.workflow_id),
    traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`
  })
  const message = { data: Buffer.from(data).toString('base64'), messageId: 'm', attributes, orderingKey: ordering_key }
  const subscription = `${PUSH_PREFIX}settlement-commands-settlement`
  return { method: 'POST', url: '/pubsub/settlement-commands', payload: { message, subscription } }
}
