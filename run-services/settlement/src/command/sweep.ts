import type { CommandOutcome } from '@fusion-prime/events'
import { HttpProblem, type OutboxSweeper } from '@fusion-prime/http'
import { appendOutbox, type Sql, transaction } from '@fusion-prime/postgres'
import type { FastifyPluginAsync } from 'fastify'
import { type Static, Type } from 'typebox'
import { assess, type Callees } from './assess.ts'
import { type Report, type Settled, settle } from './settle.ts'
import { type Command, databaseTime, lockCommands, takeHeld } from './store.ts'

/** Commands that one sweep tries at most, and how many at once. */
const SWEEP_LIMIT = 200
const AT_ONCE = 10
/** After so long no more are begun; those under way end within a call's budget. */
const SWEEP_MS = 30_000

const Count = Type.Integer({ minimum: 0 })
const Swept = Type.Object({ tried: Count, processed: Count, held: Count, rejected: Count, failed: Count })
type Swept = Static<typeof Swept>

export type SweepDeps = Callees & { sql: Sql; sweeper: OutboxSweeper; report: Report }

/** Tries again what is held because compliance was away; for a schedule. */
export function sweepRoute(deps: SweepDeps): FastifyPluginAsync {
  return async app => {
    const ending = new AbortController()
    app.addHook('preClose', async () => ending.abort(new HttpProblem(503, 'the process is ending: try again')))
    app.post(
      '/commands/sweep',
      {
        schema: {
          operationId: 'sweepCommands',
          summary: 'Try again what was held because a callee was away',
          tags: ['commands'],
          response: { 200: Swept }
        }
      },
      () => sweep(deps, ending.signal)
    )
  }
}

async function sweep(deps: SweepDeps, signal: AbortSignal): Promise<Swept> {
  const until = performance.now() + SWEEP_MS
  const triedBefore = await databaseTime(deps.sql)
  const swept: Swept = { tried: 0, processed: 0, held: 0, rejected: 0, failed: 0 }
  try {
    while (swept.tried < SWEEP_LIMIT && performance.now() < until) {
      // The first one goes alone: it is the probe that closes a breaker, and others beside it would fail.
      const limit = swept.tried === 0 ? 1 : Math.min(AT_ONCE, SWEEP_LIMIT - swept.tried)
      const commands = await takeHeld(deps.sql, { triedBefore, limit })
      if (commands.length === 0) break
      const outcomes = await Promise.allSettled(commands.map(command => tryAgain(deps, { command, signal })))
      swept.tried += commands.length
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') throw outcome.reason // no sooner: the others are over now, and their messages in the outbox
        if (outcome.value) swept[outcome.value] += 1
      }
    }
  } finally {
    await deps.sweeper.flush()
  }
  return swept
}

/** How it came out, which is still `held` when nothing changed; undefined when somebody else decided meanwhile. */
async function tryAgain(
  { sql, report, ...callees }: SweepDeps,
  { command, signal }: { command: Command; signal: AbortSignal }
): Promise<CommandOutcome | undefined> {
  const { command_id, correlation_id, traceparent } = command
  const decision = await assess(command, { ...callees, correlation_id, traceparent, signal })
  if (decision.reason === command.reason) return 'held'
  const settled = await transaction(sql, async (tx): Promise<Settled[]> => {
    const [current] = await lockCommands(tx, [command_id])
    if (current?.status !== 'held' || current.held_count !== command.held_count) return []
    await appendOutbox(tx, await settle(tx, [{ command: current, decision }]))
    return [{ command: current, decision }]
  })
  report(settled)
  return settled[0]?.decision.status
}
