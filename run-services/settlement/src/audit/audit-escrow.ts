import { type EscrowKey, type FactHistory, timelineOf } from '@fusion-prime/escrow'
import {
  balanceFaults,
  counterOf,
  type Entry,
  entryOf,
  isDeployment,
  saysTheSame,
  settledEntries,
  settles,
  standingTransfers,
  type Transfer,
  transferId
} from '../ledger/ledger.ts'

export type FaultName =
  | 'transfer_missing'
  | 'transfer_unexpected'
  | 'transfer_id_wrong'
  | 'fact_unknown'
  | 'fact_differs'
  | 'counter_wrong'
  | 'order_wrong'
  | 'balance_wrong'
  | 'totals_differ'

/** Something wrong in the ledger, and where. */
export type Fault = {
  fault: FaultName
  chain_id: number | null
  escrow_address: string | null
  transfer_id: string | null
  detail: string
}

/** All that is stored of one escrow; its transfers oldest first. */
export type AuditedEscrow = { key: EscrowKey; facts: readonly FactHistory[]; transfers: readonly Transfer[] }

/** What is wrong with an escrow's transfers, measured against its facts alone. */
export function auditEscrow({ key, facts, transfers }: AuditedEscrow): Fault[] {
  const entries = settledEntries(timelineOf(facts))
  const fault = (name: FaultName, detail: string, transfer?: Transfer): Fault => ({
    fault: name,
    ...key,
    transfer_id: transfer?.transfer_id ?? null,
    detail
  })
  const standing = standingTransfers(transfers)
  const found = [
    ...transfers.flatMap((transfer, index) => {
      const wrong = [...faultsOfTransfer(transfer, { facts, before: transfers.slice(0, index) })]
      return wrong.map(([name, detail]) => fault(name, detail, transfer))
    }),
    ...standing
      .filter(transfer => !entries.some(entry => saysTheSame(entry, transfer)))
      .map(transfer => fault('transfer_unexpected', `the facts don’t call for ${describe(transfer)}`, transfer)),
    ...entries
      .filter(entry => !standing.some(transfer => saysTheSame(transfer, entry)))
      .map(entry => fault('transfer_missing', `the facts call for ${describe(entry)}`)),
    ...balanceFaults(transfers, entries).map(detail => fault('balance_wrong', `the escrow’s balance in ${detail}`))
  ]
  if (found.length > 0) return found
  const misplaced = firstMisplaced(transfers)
  return misplaced
    ? [fault('order_wrong', `it can’t come after those before it: ${describe(misplaced)}`, misplaced)]
    : []
}

/**
 * Nothing stands, or a deposit, or a deposit and one ending; what stands is taken back newest first. Balances can't tell where deposits
 * are 0, or where one is back before a rival one is countered.
 */
function firstMisplaced(transfers: readonly Transfer[]): Transfer | undefined {
  const open: Transfer[] = []
  return transfers.find(transfer => {
    if (transfer.kind === 'counter') return open.pop()?.transfer_id !== transfer.reverses
    open.push(transfer)
    return open.length > 2 || (transfer.kind === 'pending') !== (open.length === 1)
  })
}

type Context = { facts: readonly FactHistory[]; before: readonly Transfer[] }

function* faultsOfTransfer(transfer: Transfer, { facts, before }: Context): Generator<[FaultName, string]> {
  const id = transferId(transfer, before)
  if (transfer.transfer_id !== id) yield ['transfer_id_wrong', `its fact, kind and number give ${id}`]
  if (!facts.some(({ body }) => body.fact_id === transfer.fact_id)) {
    yield ['fact_unknown', `the escrow has no fact ${transfer.fact_id}`]
  } else if (transfer.kind !== 'counter' && !possibleEntries(facts).some(entry => saysTheSame(entry, transfer))) {
    yield ['fact_differs', `fact ${transfer.fact_id} can’t mean ${describe(transfer)}`]
  }
  if (transfer.kind === 'counter') {
    const fault = faultOfCounter(transfer, before)
    if (fault) yield ['counter_wrong', fault]
  }
}

function faultOfCounter(counter: Transfer, before: readonly Transfer[]): string | undefined {
  const target = before.find(one => one.transfer_id === counter.reverses)
  if (!target) return `no earlier transfer of the escrow is ${counter.reverses}`
  if (target.kind === 'counter') return `${counter.reverses} is a counter itself`
  if (before.some(one => one.reverses === counter.reverses)) return `${counter.reverses} was countered before`
  const due = counterOf(target)
  return saysTheSame(counter, due) ? undefined : `it isn’t ${describe(due)}`
}

/** Every entry that these facts could call for, whichever of them are final. */
function possibleEntries(facts: readonly FactHistory[]): Entry[] {
  const bodies = facts.map(fact => fact.body).filter(settles)
  return bodies
    .filter(isDeployment)
    .flatMap(deployment =>
      bodies.filter(body => body === deployment || !isDeployment(body)).map(body => entryOf(deployment, body))
    )
}

const describe = ({ kind, amount, asset_symbol, debit_account, credit_account }: Entry): string =>
  `${kind} of ${amount} ${asset_symbol} from ${debit_account} to ${credit_account}`
