import { HttpProblem, type OutboxSweeper } from '@fusion-prime/http'
import { appendOutbox, type Sql, transaction } from '@fusion-prime/postgres'
import type { FastifyPluginAsync } from 'fastify'
import { type Static, Type } from 'typebox'
import { requireCommand, unknownCommand } from './routes.ts'
import { type Report, type Settled, settle } from './settle.ts'
import { insertResolution, lockCommands } from './store.ts'
import { CommandParams, CommandView, viewOf } from './view.ts'

const Body = Type.Object({
  to: Type.Enum(['processed', 'rejected']),
  reason: Type.String({ minLength: 1, maxLength: 1_000, pattern: '^[^\\p{Cc}\\p{Cs}]*[^\\s\\p{C}][^\\p{Cc}\\p{Cs}]*$' })
})

type Resolved = Static<typeof Body> & { command_id: string; resolved_by: string; correlation_id: string }

/** An operator's word on a held command. */
export function resolutionRoute(deps: { sql: Sql; sweeper: OutboxSweeper; report: Report }): FastifyPluginAsync {
  return async app => {
    app.post<{ Params: Static<typeof CommandParams>; Body: Static<typeof Body> }>(
      '/commands/:command_id/resolution',
      {
        schema: {
          operationId: 'resolveCommand',
          summary: 'Decide about a held command, with a reason; the same again gets the same answer',
          tags: ['commands'],
          params: CommandParams,
          body: Body,
          response: { 200: CommandView }
        }
      },
      async ({ params, body: { to, reason }, caller: resolved_by, correlationId: correlation_id }) => {
        const command_id = params.command_id.toLowerCase()
        const resolved = { command_id, to, reason, resolved_by, correlation_id }
        const settled = await transaction(deps.sql, tx => resolve(tx, resolved))
        deps.report(settled)
        await deps.sweeper.flush()
        return viewOf(await requireCommand(deps.sql, command_id))
      }
    )
  }
}

/** Nothing is settled when the same was decided before. */
async function resolve(sql: Sql, resolved: Resolved): Promise<Settled[]> {
  const { command_id, to, reason } = resolved
  const [locked] = await lockCommands(sql, [command_id])
  // One that is just being written isn't locked, and may not be decided on either.
  if (!locked) throw unknownCommand(command_id)
  const command = await requireCommand(sql, command_id) // after the lock: it sees a resolution that came first
  const { status, resolution, risk, compliance } = command
  if (resolution?.to === to && resolution.reason === reason) return []
  if (status !== 'held') throw new HttpProblem(409, `command ${command_id} is ${status}: only a held one is resolved`)
  const settled = [{ command, decision: { status: to, reason: 'operator_resolution', risk, compliance } }]
  await insertResolution(sql, { ...resolved, held_reason: command.reason ?? '' })
  await appendOutbox(sql, await settle(sql, settled))
  return settled
}
