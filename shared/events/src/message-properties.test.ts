import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EscrowDeployed, type EscrowFact, escrowEvents } from './escrow.ts'
import { eventId, factId } from './ids.ts'
import { decodeMessage, encodeMessage, type OutgoingMessage } from './message.ts'

const traceparent = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`
const encode = (fact: EscrowFact): OutgoingMessage =>
  encodeMessage(escrowEvents, fact, { correlation_id: 'c', traceparent, free: { first: 'true' } })

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map(part => `0x${Buffer.from(part).toString('hex')}`)
const uint256 = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }).map(String)
const safeInteger = fc.maxSafeNat()
const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null })
const time = fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
const values = fc.record({
  chain_id: safeInteger,
  block_number: safeInteger,
  block_hash: hex(32),
  block_timestamp: time.map(date => date.toISOString()),
  transaction_hash: hex(32),
  log_index: safeInteger,
  finality: fc.constantFrom('seen', 'safe', 'finalized', 'reverted'),
  incarnation: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  factory_address: hex(20),
  escrow_address: hex(20),
  payer: hex(20),
  payee: hex(20),
  arbiter: orNull(hex(20)),
  approver: hex(20),
  old_arbiter: hex(20),
  new_arbiter: hex(20),
  amount: uint256,
  release_delay: orNull(uint256),
  approvals_required: orNull(safeInteger)
})
const fact = fc
  .tuple(fc.constantFrom(...escrowEvents.events.map(event => event.example)), values)
  .map(([example, given]) => {
    const own = Object.fromEntries(
      Object.keys(example).flatMap(name => (name in given ? [[name, given[name as keyof typeof given]]] : []))
    )
    const placed = { ...example, ...own } as EscrowFact // the example's fields with values of the same types
    return { ...placed, fact_id: factId(placed), event_id: eventId(placed) }
  })

test('any fact: decode(encode(x)) = x', () => {
  fc.assert(
    fc.property(fact, one => {
      const decoded = decodeMessage(escrowEvents, encode(one))
      assert.ok('received' in decoded)
      assert.deepEqual(decoded.received.body, one)
    })
  )
})

test('one field or attribute replaced by anything: an answer, never an exception', () => {
  const anything = fc.oneof(fc.jsonValue(), uint256, fc.string({ unit: 'binary' }), fc.double())
  const names = Object.keys(EscrowDeployed.example)
  fc.assert(
    fc.property(fc.constantFrom(...names), anything, (name, value) => {
      const { data, attributes } = encode(EscrowDeployed.example)
      const body = { ...EscrowDeployed.example, [name]: value }
      assert.ok(decodeMessage(escrowEvents, { data: JSON.stringify(body), attributes }))
      assert.ok(decodeMessage(escrowEvents, { data, attributes: { ...attributes, [name]: JSON.stringify(value) } }))
    }),
    { numRuns: 500 }
  )
})
