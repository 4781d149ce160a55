import { type FactHistory, standingOf, type timelineOf } from '@fusion-prime/escrow'
import { startService } from '@fusion-prime/http'
import { claimEvents } from '@fusion-prime/postgres'
import { createLog, PermanentError, run } from '@fusion-prime/runtime'
import { type createSettlement, settlement } from '@fusion-prime/settlement'

/** Settlement with one of its safeguards switched off, to see that the checks notice. */
const sabotages: Record<string, Partial<Parameters<typeof createSettlement>[0]>> = {
  /** Every delivery is taken for a new one. */
  inbox: { claim: async (sql, messages) => (await claimEvents(sql, messages)).map(() => 'new') },
  /** Transactions on one escrow don't wait for each other. */
  lock: { lock: async () => {} },
  order: { timeline: inOrderOfArrival() }
}

/** Facts in the order in which this process met them, instead of the chain's. */
function inOrderOfArrival(): typeof timelineOf {
  const arrivals = new Map<string, number>()
  return facts => {
    for (const { body } of facts) if (!arrivals.has(body.fact_id)) arrivals.set(body.fact_id, arrivals.size)
    const arrival = ({ body }: FactHistory) => arrivals.get(body.fact_id) ?? 0
    return facts.toSorted((a, b) => arrival(a) - arrival(b)).map(fact => ({ ...fact, ...standingOf(fact.messages) }))
  }
}

const log = createLog('settlement')
await run(log, () => {
  const sabotage = sabotages[process.env.SABOTAGE ?? '']
  if (!sabotage) throw new PermanentError(`SABOTAGE is one of ${Object.keys(sabotages).join(', ')}`)
  const sabotaged = {
    ...settlement,
    create: (...[parts, config]: Parameters<typeof settlement.create>) =>
      settlement.create({ ...parts, ...sabotage }, config)
  }
  return startService(sabotaged, { env: process.env, log })
})
