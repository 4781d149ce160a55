import { type DeployableName, type ServiceName, serviceNames } from '../shared/local/src/deployables.ts'
import type { Stack } from '../shared/local/src/stack.ts'

/** Messages without an answer, at least, while a process is killed. */
export const MANY = 20

/** What was pushed to the victim and has no answer yet; if nothing is pushed to it, or it is one process for all, what was pushed to any service. */
export function unanswered(stack: Stack, victim: DeployableName): number {
  const { byName } = stack.processes
  const own = serviceNames.filter(name => byName[name] === byName[victim])
  const concerned = own.length > 0 ? own : serviceNames
  return waiting(stack, concerned).reduce((sum, count) => sum + count, 0)
}

export function waiting({ broker }: Stack, services: readonly ServiceName[]): number[] {
  const stats = broker.stats()
  return services.map(name => stats[`escrow-events-${name}`]).map(one => (one ? one.outstanding + one.backlog : 0))
}
