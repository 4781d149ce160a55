import type { Metrics } from '@fusion-prime/http'
import type { OutboxMessage, Sql } from '@fusion-prime/postgres'
import type { Log } from '@fusion-prime/runtime'
import { Counter } from 'prom-client'
import { announce, type Decision } from './command.ts'
import { type Command, saveDecisions } from './store.ts'

export type Settled = { command: Command; decision: Decision }

/** Saves decisions about commands that the caller has locked; answers the messages that tell of them. */
export async function settle(sql: Sql, settled: readonly Settled[]): Promise<OutboxMessage[]> {
  if (settled.length === 0) return []
  await saveDecisions(
    sql,
    settled.map(({ command: { command_id }, decision }) => ({ command_id, ...decision }))
  )
  return settled.map(({ command, decision: { status, reason } }) =>
    announce(command, { status, reason, n: status === 'held' ? command.held_count + 1 : 1 })
  )
}

/** Logs and counts how commands came out; for after the commit, since a batch that isn't committed comes again. */
export type Report = (settled: readonly Settled[]) => void

export function createReport({ log, metrics: { registry } }: { log: Log; metrics: Metrics }): Report {
  const outcomes = new Counter({
    name: 'settlement_commands_total',
    help: 'Commands by how they came out',
    labelNames: ['outcome', 'degraded'],
    registers: [registry]
  })
  return settled => {
    for (const { command, decision } of settled) {
      const { command_id, command_type, workflow_id, correlation_id } = command
      const { status, reason, risk } = decision
      const degraded = risk?.degraded === true
      outcomes.inc({ outcome: status, degraded: String(degraded) })
      log.info({ command_id, command_type, workflow_id, correlation_id, reason, degraded }, `command_${status}`)
    }
  }
}
