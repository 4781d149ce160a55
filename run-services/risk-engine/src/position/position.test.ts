import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Escrow, EscrowStatus } from '@fusion-prime/escrow'
import { testAddress } from '@fusion-prime/local/testing/facts.ts'
import { positionsOf, wholeUnitsOf } from './position.ts'

const funded: Escrow = {
  chain_id: 31337,
  escrow_address: testAddress('escrow'),
  factory_address: testAddress('factory'),
  payer: testAddress('payer'),
  payee: testAddress('payee'),
  arbiter: testAddress('arbiter'),
  amount: '1500000000000000000',
  asset_symbol: 'ETH',
  approvals_required: 2,
  approvals: [],
  status: 'funded',
  finality: 'safe',
  anomalies: []
}

const rolesIn = (escrow: Escrow) => positionsOf(escrow).map(({ role, address }) => [role, address])
const all = [
  ['payer', funded.payer],
  ['payee', funded.payee],
  ['arbiter', funded.arbiter]
]

const byStatus: Record<EscrowStatus, unknown[]> = {
  funded: all,
  partially_approved: all,
  approved: all,
  released: [],
  refunded: [],
  reverted: [],
  incomplete: []
}
for (const [status, expected] of Object.entries(byStatus)) {
  test(`an escrow that is ${status} has ${expected.length} positions`, () => {
    // Object.entries forgets the keys' type.
    assert.deepEqual(rolesIn({ ...funded, status: status as EscrowStatus }), expected)
  })
}

test('without an arbiter there are two positions; a party in two roles has two', () => {
  assert.deepEqual(rolesIn({ ...funded, arbiter: null }), all.slice(0, 2))
  assert.deepEqual(rolesIn({ ...funded, arbiter: null, payee: funded.payer }), [
    ['payer', funded.payer],
    ['payee', funded.payer]
  ])
})

test('a position says what the escrow says', () => {
  const { chain_id, escrow_address, payer, amount, asset_symbol, status, finality } = funded
  const expected = { chain_id, escrow_address, role: 'payer', address: payer, amount, asset_symbol, status, finality }
  assert.deepEqual(positionsOf(funded)[0], expected)
})

for (const [asset_symbol, amount, whole] of [
  ['ETH', '1500000000000000000', '1.5'],
  ['ETH', '1', '0.000000000000000001'],
  ['ETH', '0', '0'],
  ['USDC', '3100000000', '3100'],
  ['ETH', String(2n ** 256n - 1n), '115792089237316195423570985008687907853269984665640564039457.584007913129639935'],
  ['MATIC', '1500000000000000000', null]
] as const) {
  test(`${amount} base units of ${asset_symbol} are ${whole} whole units`, () => {
    assert.equal(wholeUnitsOf({ asset_symbol, amount }), whole)
  })
}
