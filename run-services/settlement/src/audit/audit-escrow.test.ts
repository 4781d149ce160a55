import assert from 'node:assert/strict'
import { test } from 'node:test'
import { timelineOf } from '@fusion-prime/escrow'
import { createFact } from '@fusion-prime/local/testing/facts.ts'
import { counterOf, planTransfers, settledEntries, type Transfer } from '../ledger/ledger.ts'
import { historiesOf } from '../ledger/lives-fixture.ts'
import { auditEscrow } from './audit-escrow.ts'

const deployed = createFact('EscrowDeployed', { block_number: 1, amount: '7', finality: 'finalized' })
const refunded = createFact('EscrowRefunded', { block_number: 2, finality: 'finalized' })
const released = createFact('EscrowReleased', { block_number: 3, finality: 'finalized' })
const facts = historiesOf([deployed, refunded, released])

/** The refund came last, so that the release was posted and taken back. */
const ledger = [[deployed], [deployed, released], [deployed, released, refunded]].reduce<Transfer[]>(
  (before, known) => {
    return before.concat(planTransfers(settledEntries(timelineOf(historiesOf(known))), before))
  },
  []
)
const [pending, post, counter, voided] = ledger as [Transfer, Transfer, Transfer, Transfer] // by the first test

const { chain_id, escrow_address } = deployed
const faultsOf = (transfers: readonly Transfer[], of = facts) =>
  auditEscrow({ key: { chain_id, escrow_address }, facts: of, transfers }).map(
    ({ fault, transfer_id }) => `${fault} ${ledger.find(one => one.transfer_id === transfer_id)?.kind ?? transfer_id}`
  )
const id = '00000000-0000-4000-8000-000000000000'

test('a history with a counter is right', () => {
  assert.deepEqual(
    ledger.map(one => one.kind),
    ['pending', 'post', 'counter', 'void']
  )
  assert.deepEqual(faultsOf(ledger), [])
  assert.deepEqual(faultsOf([], []), [])
})

const cases: [what: string, transfers: Transfer[], faults: string[]][] = [
  ['nothing was posted', [], ['transfer_missing null', 'transfer_missing null']],
  ['a counter of a later transfer', [pending, counter, post, voided], ['counter_wrong counter']],
  [
    'a counter that takes back something else',
    [pending, post, { ...counter, credit_account: pending.debit_account }, voided],
    ['counter_wrong counter', 'balance_wrong null']
  ],
  [
    'a counter of another amount',
    [pending, post, { ...counter, amount: '6' }, voided],
    ['counter_wrong counter', 'balance_wrong null']
  ],
  [
    'a counter of a counter',
    [pending, post, counter, { ...counterOf(counter), transfer_id: id }, voided],
    [`transfer_id_wrong ${id}`, `counter_wrong ${id}`, 'balance_wrong null']
  ],
  [
    'a transfer countered twice',
    [pending, post, counter, { ...counter, transfer_id: id }, voided],
    [`transfer_id_wrong ${id}`, `counter_wrong ${id}`, 'balance_wrong null']
  ],
  ['the later ending stands', [pending, post], ['transfer_unexpected post', 'transfer_missing null']],
  ['the ending before its deposit', [voided, pending, post, counter], ['balance_wrong null']]
]

for (const [what, transfers, faults] of cases) {
  test(what, () => {
    assert.deepEqual([...new Set(faultsOf(transfers))], [...new Set(faults)])
  })
}
