import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodeMessage, settlementCommands } from '@fusion-prime/events'
import { commandMessage, isSettled, type SettledBody } from './command.ts'
import type { FactBody } from './decode/escrow.ts'

const word = (tag: string, bytes: number) => `0x${tag.repeat(bytes)}`
const [payer, payee, other] = [word('a1', 20), word('a2', 20), word('a3', 20)]
const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
const common = {
  fact_id: '',
  schema_version: 1 as const,
  chain_id: 31337,
  block_number: 7,
  block_hash: word('b1', 32),
  block_timestamp: '2025-01-02T03:04:05Z',
  transaction_hash: word('7a', 32),
  log_index: 3,
  factory_address: word('fa', 20),
  escrow_address: word('e5', 20)
}
const deployed: FactBody = {
  ...common,
  event_type: 'EscrowDeployed',
  payer,
  payee,
  arbiter: null,
  amount: '1000',
  asset_symbol: 'ETH',
  release_delay: null,
  approvals_required: null
}
const released: FactBody = { ...common, event_type: 'EscrowReleased', payee, amount: '990' }
const refunded: FactBody = { ...common, event_type: 'EscrowRefunded', payer, amount: '980' }
const terms = { payer, payee, asset_symbol: 'ETH' }
const event_id = '0f0e0d0c-0b0a-8908-8706-050403020100'
const settled = (body: FactBody): SettledBody => (isSettled(body) ? body : assert.fail(body.event_type))
const bodyOf = ({ data }: { data: string }): Record<string, unknown> => JSON.parse(data)

const table: [body: FactBody, command_type: string, differs: Record<string, unknown>][] = [
  [deployed, 'open', { amount: '1000' }],
  [released, 'release', { amount: '990' }],
  [refunded, 'refund', { amount: '980' }],
  [{ ...released, payee: other }, 'release', { amount: '990', payee: other }],
  [{ ...refunded, payer: other }, 'refund', { amount: '980', payer: other, account_ref: other }]
]

describe('the command of a final fact', () => {
  for (const [body, command_type, differs] of table) {
    test(`${body.event_type} ${JSON.stringify(differs)}: ${command_type}`, () => {
      const message = commandMessage({ body: settled(body), traceparent }, { event_id, terms })
      const workflow_id = `escrow:31337:${common.escrow_address}`
      assert.deepEqual(bodyOf(message), {
        event_id,
        event_type: `command_${command_type}`,
        command_id: event_id,
        command_type,
        workflow_id,
        account_ref: payer,
        asset_symbol: 'ETH',
        payer,
        payee,
        escrow_address: common.escrow_address,
        chain_id: 31337,
        source_event_id: event_id,
        schema_version: 1,
        ...differs
      })
      assert.deepEqual(
        [message.topic, message.event_id, message.ordering_key],
        ['settlement-commands', event_id, workflow_id]
      )
      assert.deepEqual(message.attributes, {
        event_id,
        event_type: `command_${command_type}`,
        schema_version: '1',
        correlation_id: workflow_id,
        traceparent
      })
      assert.ok('received' in decodeMessage(settlementCommands, message))
    })
  }

  test('a deployment has its own terms', () => {
    const strange = { payer: other, payee: other, asset_symbol: 'XYZ' }
    const given = { body: settled(deployed), traceparent }
    assert.deepEqual(commandMessage(given, { event_id, terms: strange }), commandMessage(given, { event_id, terms }))
  })

  test('the same bytes, in whatever order a fact’s fields were stored', () => {
    for (const body of [deployed, released, refunded].map(settled)) {
      const shuffled = Object.fromEntries(Object.entries(body).toReversed()) as SettledBody // the same fields
      const [one, two] = [body, shuffled].map(body => commandMessage({ body, traceparent }, { event_id, terms }))
      assert.equal(one?.data, two?.data)
    }
  })
})

test('nothing else is settled', () => {
  const approval: FactBody = { ...common, event_type: 'ApprovalGranted', approver: payer }
  const change: FactBody = { ...common, event_type: 'ArbiterChanged', old_arbiter: payer, new_arbiter: payee }
  assert.deepEqual([approval, change, deployed, released, refunded].map(isSettled), [false, false, true, true, true])
})
