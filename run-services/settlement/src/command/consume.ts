import { type SettlementCommand, subscriptions } from '@fusion-prime/events'
import { type ConsumeDeps, consume, type Delivery } from '@fusion-prime/http'
import { claimEvents } from '@fusion-prime/postgres'
import { newTraceparent } from '@fusion-prime/runtime'
import type { FastifyPluginAsync } from 'fastify'
import { assess, type Callees } from './assess.ts'
import type { Decision } from './command.ts'
import { type Report, type Settled, settle } from './settle.ts'
import { type Command, findCommand, insertCommands, loadDigests, lockCommands, newCommand } from './store.ts'

export type CommandEventsDeps = ConsumeDeps & Callees & { report: Report }

/** Commands, whoever gave them: the callees are asked first, then one transaction decides. */
export function commandEvents(deps: CommandEventsDeps): FastifyPluginAsync {
  const { sql: pool, risk, compliance, report, claim = claimEvents } = deps
  return consume(subscriptions['settlement-commands-settlement'], {
    logAs: 'settlement_command_handled',
    logFields: ({ command_id, workflow_id, command_type }) => ({ command_id, workflow_id, command_type }),
    /** Undefined for what needs no decision any more. */
    prepare: async (message, signal): Promise<Decision | undefined> => {
      const { body, digest, correlation_id, traceparent = newTraceparent() } = message
      const known = await findCommand(pool, body.command_id)
      if (known && (known.status !== 'received' || known.digest !== digest)) return undefined
      return assess(body, { risk, compliance, correlation_id, traceparent, signal })
    },
    handle: async (sql, deliveries) => {
      await insertCommands(sql, deliveries.map(newCommand))
      const commands = await lockCommands(
        sql,
        deliveries.map(({ body }) => body.command_id)
      )
      const known = new Map(commands.map(command => [command.command_id, command]))
      const settled = deliveries.flatMap(delivery => settledOf(delivery, known.get(delivery.body.command_id)))
      return { outgoing: await settle(sql, settled), committed: () => report(settled) }
    }
  })({ ...deps, claim: refuseOtherBodies(claim) })
}

/** None for a command that was decided before; throws for one that changed since the callees were asked, so that it comes again. */
function settledOf(
  { body: { command_id }, digest, prepared: decision }: Delivery<SettlementCommand, Decision | undefined>,
  command: Command | undefined
): Settled[] {
  if (command?.digest !== digest) throw new Error(`command ${command_id} came at the same moment with another body`)
  if (command.status !== 'received') return []
  if (!decision) throw new Error(`command ${command_id} was decided and isn't any more: look at its row`)
  return [{ command, decision }]
}

/** A message that differs from the command of its id may not take that id in the inbox, or the real one would be refused. */
const refuseOtherBodies =
  (claim: typeof claimEvents): typeof claimEvents =>
  async (sql, { topic, events }) => {
    const digests = await loadDigests(
      sql,
      events.map(event => event.event_id)
    )
    const fits = ({ event_id, digest }: (typeof events)[number]) => (digests.get(event_id) ?? digest) === digest
    const claims = await claim(sql, { topic, events: events.filter(fits) })
    const remaining = claims.values()
    return events.map(event => (fits(event) ? (remaining.next().value ?? 'duplicate') : 'id_reused'))
  }
