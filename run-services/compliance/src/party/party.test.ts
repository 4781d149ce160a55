import assert from 'node:assert/strict'
import { test } from 'node:test'
import { timelineOf } from '@fusion-prime/escrow'
import type { EscrowFact, Finality } from '@fusion-prime/events'
import { createFact, testAddress } from '@fusion-prime/local/testing/facts.ts'
import { partiesOf } from './party.ts'

const [payer, payee, arbiter, second, third] = ['payer', 'payee', 'arbiter', 'second', 'third'].map(testAddress) as [
  string,
  string,
  string,
  string,
  string
] // as many as names
const deployed = createFact('EscrowDeployed', { payer, payee, arbiter })
const changed = createFact('ArbiterChanged', { block_number: 2, old_arbiter: arbiter, new_arbiter: second })
const changedAgain = createFact('ArbiterChanged', { block_number: 3, old_arbiter: second, new_arbiter: third })

type Told = EscrowFact | [EscrowFact, ...Finality[]]
const named = (...facts: Told[]) => {
  const histories = facts.map(told => {
    const [body, ...levels] = Array.isArray(told) ? told : ([told, 'seen'] as const)
    return { body, messages: levels.map(finality => ({ finality, incarnation: 1, forced: false })) }
  })
  return partiesOf(timelineOf(histories)).map(({ role, address }) => [role, address])
}

test('a deployment names payer, payee and arbiter', () => {
  assert.deepEqual(named(deployed), [
    ['payer', payer],
    ['payee', payee],
    ['arbiter', arbiter]
  ])
  assert.deepEqual(named({ ...deployed, arbiter: null }), [
    ['payer', payer],
    ['payee', payee]
  ])
})

test('every arbiter that was ever named is a party, once', () => {
  const arbiters = named(deployed, changed, changedAgain).filter(([role]) => role === 'arbiter')
  assert.deepEqual(arbiters, [
    ['arbiter', arbiter],
    ['arbiter', second],
    ['arbiter', third]
  ])
})

test('a fact that is reverted names nobody', () => {
  assert.deepEqual(named(deployed, [changed, 'seen', 'reverted']), named(deployed))
  assert.deepEqual(named([deployed, 'seen', 'reverted'], [changed, 'reverted']), [])
})

test('without its deployment an escrow has the parties that its other facts name', () => {
  assert.deepEqual(named(changed), [
    ['arbiter', arbiter],
    ['arbiter', second]
  ])
  assert.deepEqual(named(createFact('EscrowReleased', { payee })), [['payee', payee]])
  assert.deepEqual(named(createFact('EscrowRefunded', { payer })), [['payer', payer]])
  assert.deepEqual(named(createFact('ApprovalGranted', { approver: payer })), [])
})
