import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { timelineOf } from '@fusion-prime/escrow'
import type { EscrowFact } from '@fusion-prime/events'
import { createFact } from '@fusion-prime/local/testing/facts.ts'
import fc from 'fast-check'
import { counterOf, planTransfers, settledEntries, type Transfer } from '../ledger/ledger.ts'
import { anyLifeOf, deliveriesOf, historiesOf } from '../ledger/lives-fixture.ts'
import { auditEscrow } from './audit-escrow.ts'

const deployed = createFact('EscrowDeployed', { block_number: 1, amount: '7', finality: 'finalized' })
const refunded = createFact('EscrowRefunded', { block_number: 2, finality: 'finalized' })
const released = createFact('EscrowReleased', { block_number: 3, finality: 'finalized' })
const facts = historiesOf([deployed, refunded, released])

/** The ledger after these deliveries, each in a transaction of its own. */
function ledgerAfter(pieces: readonly EscrowFact[][]): Transfer[] {
  return pieces.reduce<Transfer[]>((before, _, index) => {
    const known = historiesOf(pieces.slice(0, index + 1).flat())
    return before.concat(planTransfers(settledEntries(timelineOf(known)), before))
  }, [])
}

/** The refund came last, so that the release was posted and taken back. */
const ledger = ledgerAfter([[deployed], [released], [refunded]])
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

/** Every ledger that is one change away: a row gone, told again, moved by one place, or with one field of its own altered. */
function neighboursOf(transfers: readonly Transfer[]): Transfer[][] {
  const altered: Partial<Transfer>[] = [
    ...transfers.flatMap(({ fact_id, transfer_id }) => [{ fact_id }, { reverses: transfer_id }]),
    ...(['pending', 'post', 'void'] as const).map(kind => ({ kind })),
    ...['5', '0'].map(amount => ({ amount })),
    ...[{ debit_account: 'payer:1:0x00' }, { credit_account: 'payer:1:0x00' }, { asset_symbol: 'POL' }],
    { transfer_id: id }
  ]
  const neighbours = transfers.flatMap((row, at) => [
    transfers.toSpliced(at, 1),
    [...transfers, { ...row, transfer_id: id }],
    transfers.toSpliced(at, 2, ...transfers.slice(at, at + 2).reverse()),
    // The table refuses a counter of nothing, and any other transfer that names one.
    ...altered
      .filter(one => (row.kind === 'counter' ? !('kind' in one) : !('reverses' in one)))
      .map(one => transfers.with(at, { ...row, ...one }))
  ])
  return neighbours.filter(one => !isDeepStrictEqual(one, transfers))
}

test('an ending that stands before another one is taken back is out of place, though balances of 0 can’t tell', () => {
  const given = [{ ...deployed, amount: '0' }, released, refunded]
  const [first, wrong, back, right] = ledgerAfter(given.map(fact => [fact])) as [Transfer, Transfer, Transfer, Transfer] // as above
  const found = (transfers: Transfer[]) => faultsOf(transfers, historiesOf(given))
  assert.deepEqual(found([first, wrong, back, right]), [])
  assert.deepEqual(found([first, wrong, right, back]), ['order_wrong void'])
})

test('any one change of any ledger is found', () => {
  const anyDelivery = anyLifeOf(escrow_address).chain(life => deliveriesOf(life))
  fc.assert(
    fc.property(anyDelivery, pieces => {
      const transfers = ledgerAfter(pieces)
      const facts = historiesOf(pieces.flat())
      assert.deepEqual(faultsOf(transfers, facts), [])
      for (const changed of neighboursOf(transfers)) assert.notDeepEqual(faultsOf(changed, facts), [])
    }),
    { numRuns: 1_000 }
  )
})
