import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FactHistory, timelineOf } from '@fusion-prime/escrow'
import { decodeMessage, type EscrowFact, type Finality, settlementEvents } from '@fusion-prime/events'
import { createFact } from '@fusion-prime/local/testing/facts.ts'
import { announce, outcomesOf } from './escrow.ts'

const deployed = createFact('EscrowDeployed', { block_number: 1, amount: '7' })
const approved = createFact('ApprovalGranted', { block_number: 2 })
const released = createFact('EscrowReleased', { block_number: 3, amount: '9' })
const refunded = createFact('EscrowRefunded', { block_number: 4 })

const told = (body: EscrowFact, ...levels: Finality[]): FactHistory => ({
  body,
  messages: levels.map(finality => ({ finality, incarnation: 1, forced: false }))
})
const final = (body: EscrowFact) => told(body, 'seen', 'finalized')
const outcomes = (...facts: FactHistory[]) =>
  outcomesOf(timelineOf(facts)).map(({ event_type, fact_id }) => [event_type, fact_id])

test('nothing is settled before the deployment is final', () => {
  assert.deepEqual(outcomes(told(deployed, 'seen', 'safe'), final(released)), [])
  assert.deepEqual(outcomes(final(released)), [], 'an ending without its deployment')
  assert.deepEqual(outcomes(told(deployed, 'seen', 'reverted')), [])
})

test('the deposit is settled with the deployment, the ending when it is final too', () => {
  assert.deepEqual(outcomes(final(deployed), final(approved)), [['escrow_funded', deployed.fact_id]])
  assert.deepEqual(outcomes(final(deployed), told(released, 'safe')), [['escrow_funded', deployed.fact_id]])
  assert.deepEqual(outcomes(final(released), final(deployed)), [
    ['escrow_funded', deployed.fact_id],
    ['escrow_released', released.fact_id]
  ])
  assert.deepEqual(outcomes(final(deployed), final(refunded)).at(-1), ['escrow_refunded', refunded.fact_id])
})

test('only the first final ending settles; one that could still go has no say', () => {
  assert.deepEqual(outcomes(final(deployed), final(refunded), final(released)).at(-1), [
    'escrow_released',
    released.fact_id
  ])
  assert.deepEqual(outcomes(final(deployed), told(released, 'seen'), final(refunded)), [
    ['escrow_funded', deployed.fact_id],
    ['escrow_refunded', refunded.fact_id]
  ])
})

test('messages are of the catalogue, say the deposit’s amount, and have the same ids again', () => {
  const timeline = timelineOf([final(deployed), final(released)])
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  const messages = announce(timeline, traceparent)
  for (const { data, attributes, ordering_key } of messages) {
    const decoded = decodeMessage(settlementEvents, { data, attributes })
    assert.ok('received' in decoded)
    assert.ok('amount' in decoded.received.body)
    assert.equal(decoded.received.body.amount, '7')
    assert.equal(decoded.received.correlation_id, `escrow:31337:${deployed.escrow_address}`)
    assert.equal(ordering_key, deployed.escrow_address)
  }
  assert.deepEqual(
    announce(timeline, traceparent).map(one => one.event_id),
    messages.map(one => one.event_id)
  )
})
