import assert from 'node:assert/strict'
import { test } from 'node:test'
import { timelineOf } from '@fusion-prime/escrow'
import type { EscrowFact } from '@fusion-prime/events'
import { testAddress } from '@fusion-prime/local/testing/facts.ts'
import fc from 'fast-check'
import {
  balanceFaults,
  changeOf,
  maySettle,
  planTransfers,
  settledEntries,
  standingTransfers,
  type Transfer
} from './ledger.ts'
import { anyLifeOf, deliveriesOf, historiesOf } from './lives-fixture.ts'

const anyLife = anyLifeOf(testAddress('escrow'))
const anyDelivery = anyLife.chain(life => fc.tuple(fc.constant(life), deliveriesOf(life)))

/** The ledger after these deliveries, each in a transaction of its own. */
function ledgerAfter(pieces: readonly EscrowFact[][]): Transfer[] {
  const arrived: EscrowFact[] = []
  const transfers: Transfer[] = []
  for (const piece of pieces) {
    arrived.push(...piece)
    if (!maySettle(piece.map(body => ({ body })))) continue
    const entries = settledEntries(timelineOf(historiesOf(arrived)))
    transfers.push(...planTransfers(entries, transfers))
    assert.deepEqual(balanceFaults(transfers, entries), [])
  }
  return transfers
}

const due = (life: readonly EscrowFact[]) => settledEntries(timelineOf(historiesOf(life)))
const standing = (transfers: readonly Transfer[]) =>
  standingTransfers(transfers).map(({ transfer_id, ...entry }) => entry)

test('any order, repetition and batching of any history: what stands is a function of the facts, balances are never wrong', () => {
  fc.assert(
    fc.property(anyDelivery, ([life, pieces]) => assert.deepEqual(standing(ledgerAfter(pieces)), due(life))),
    { numRuns: 2_000 }
  )
})

test('the same again adds nothing', () => {
  fc.assert(
    fc.property(anyDelivery, ([life, pieces]) => {
      const transfers = ledgerAfter(pieces)
      assert.deepEqual(planTransfers(due(life), transfers), [])
      assert.deepEqual(ledgerAfter([...pieces, ...pieces]), transfers)
    }),
    { numRuns: 500 }
  )
})

test('ids are never used twice, and a counter takes back one earlier transfer', () => {
  fc.assert(
    fc.property(anyDelivery, ([, pieces]) => {
      const transfers = ledgerAfter(pieces)
      assert.equal(new Set(transfers.map(one => one.transfer_id)).size, transfers.length)
      const reversed = transfers.flatMap(({ reverses }) => reverses ?? [])
      assert.equal(new Set(reversed).size, reversed.length)
      for (const [index, { reverses }] of transfers.entries()) {
        if (reverses) assert.ok(transfers.slice(0, index).some(one => one.transfer_id === reverses))
      }
    }),
    { numRuns: 500 }
  )
})

test('over all accounts the ledger sums to zero, with and without countered pairs', () => {
  const sums = (transfers: readonly Transfer[]) => {
    const accounts = new Set(transfers.flatMap(one => [one.debit_account, one.credit_account]))
    const balances = [...accounts].map(account => transfers.reduce((sum, one) => sum + changeOf(account, one), 0n))
    return { total: balances.reduce((sum, one) => sum + one, 0n), moved: balances.filter(one => one !== 0n).sort() }
  }
  fc.assert(
    fc.property(anyDelivery, ([, pieces]) => {
      const transfers = ledgerAfter(pieces)
      assert.equal(sums(transfers).total, 0n)
      assert.deepEqual(sums(transfers), sums(standingTransfers(transfers)))
    }),
    { numRuns: 500 }
  )
})
