import type { EscrowKey, StandingFact } from '@fusion-prime/escrow'
import { escrowWorkflow } from '@fusion-prime/events'
import type { Sql } from '@fusion-prime/postgres'
import { type Log, PermanentError } from '@fusion-prime/runtime'
import { balanceFaults, planTransfers, settledEntries } from './ledger.ts'
import { appendTransfers, loadTransfers } from './store.ts'

type Options = { escrows: readonly { key: EscrowKey; timeline: readonly StandingFact[] }[]; log: Log }

/**
 * Brings the ledger of escrows that the caller has locked to what their timelines call for, in two statements; answers which ones
 * changed. Throws a PermanentError when a balance is wrong after that: another hand was in the ledger, and an operator must look.
 */
export async function settle(sql: Sql, { escrows, log }: Options): Promise<Set<EscrowKey>> {
  if (escrows.length === 0) return new Set()
  const keys = escrows.map(one => one.key)
  const stored = await loadTransfers(sql, keys)
  const plans = escrows.map(({ key, timeline }, index) => {
    const [entries, before = []] = [settledEntries(timeline), stored[index]]
    return { key, entries, before, planned: planTransfers(entries, before) }
  })
  const planned = plans.flatMap(plan => plan.planned)
  const added = Map.groupBy(planned.length > 0 ? await appendTransfers(sql, planned) : [], escrowWorkflow)
  for (const { key, entries, before } of plans) {
    const faults = balanceFaults([...before, ...(added.get(escrowWorkflow(key)) ?? [])], entries)
    if (faults.length === 0) continue
    log.error({ ...key, faults }, 'ledger_unbalanced')
    throw new PermanentError(`the ledger of ${escrowWorkflow(key)} is unbalanced: ${faults.join(', ')}`)
  }
  for (const { escrow_address, fact_id, transfer_id, reverses } of planned)
    if (reverses) log.error({ escrow_address, fact_id, transfer_id, reverses }, 'ledger_transfer_countered')
  return new Set(plans.filter(plan => plan.planned.length > 0).map(plan => plan.key))
}
