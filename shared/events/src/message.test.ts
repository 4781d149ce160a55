import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Type } from 'typebox'
import { defineTopic } from './define.ts'
import { EscrowDeployed, type EscrowFact, escrowEvents } from './escrow.ts'
import { eventId, factId } from './ids.ts'
import { decodeMessage, encodeMessage, type Fault, MAX_PAYLOAD_BYTES, type OutgoingMessage } from './message.ts'
import { EscrowFundedOutcome, settlementEvents } from './settlement.ts'

const traceparent = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`
const context = { correlation_id: 'escrow:31337:0xa1', traceparent, free: { first: 'true' } }
const encode = (fact: EscrowFact): OutgoingMessage => encodeMessage(escrowEvents, fact, context)

const valid = encode(EscrowDeployed.example)
/** The valid message with other values; undefined takes a field away. */
function messageWith(body: Record<string, unknown>, attributes: Record<string, string | undefined> = {}) {
  const named = Object.entries({ ...valid.attributes, ...attributes }).filter(([, value]) => value !== undefined)
  return {
    data: JSON.stringify({ ...EscrowDeployed.example, ...body }),
    attributes: Object.fromEntries(named) as Record<string, string> // undefined was filtered out
  }
}
/** The valid message with other parts, and ids that fit them, in body and attributes. */
function rebuilt(parts: Partial<EscrowFact>) {
  const fact = { ...EscrowDeployed.example, ...parts }
  const ids = { fact_id: factId(fact), event_id: eventId(fact) }
  const { chain_id, finality, incarnation } = fact
  return messageWith(
    { ...fact, ...ids },
    { ...ids, finality, chain_id: String(chain_id), incarnation: String(incarnation) }
  )
}
const faultOf = (message: { data: string; attributes: Record<string, string> }): Fault | 'none' => {
  const decoded = decodeMessage(escrowEvents, message)
  return 'fault' in decoded ? decoded.fault : 'none'
}
function received(message: { data: string; attributes: Record<string, string> }) {
  const decoded = decodeMessage(escrowEvents, message)
  assert.ok('received' in decoded, JSON.stringify(decoded))
  return decoded.received
}
const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)])

describe('what every reader takes', () => {
  for (const event of escrowEvents.events) {
    test(`${event.type}: the example comes back as it was`, () => {
      const { body, event_id, correlation_id } = received(encode(event.example))
      assert.deepEqual(body, event.example)
      assert.deepEqual([event_id, correlation_id], [event.example.event_id, context.correlation_id])
    })
  }
  for (const event of settlementEvents.events) {
    test(`${event.type}: the example comes back as it was`, () => {
      const decoded = decodeMessage(settlementEvents, encodeMessage(settlementEvents, event.example, context))
      assert.ok('received' in decoded)
      assert.deepEqual(decoded.received.body, event.example)
    })
  }

  const tolerated: [string, ReturnType<typeof messageWith>][] = [
    ['unknown fields, also deep ones', messageWith({ memo: { of: ['a', 1, null] } })],
    ['unknown attributes', messageWith({}, { googclient_traceparent: 'x', tenant: 'y' })],
    ['an amount of nothing', messageWith({ amount: '0' })],
    ['the largest amount', messageWith({ amount: String(2n ** 256n - 1n) })],
    ['the deepest nesting', messageWith({ deep: nested(31) })],
    ['nulls where the old signature has nothing', messageWith({ arbiter: null, release_delay: null })],
    ['the largest integer', rebuilt({ log_index: Number.MAX_SAFE_INTEGER })],
    ['fractions of a second', messageWith({ block_timestamp: '2026-01-31T12:00:00.123456789Z' })],
    ['a leap day', messageWith({ block_timestamp: '2028-02-29T00:00:00Z' })],
    [
      'a forced revert',
      rebuilt({ finality: 'reverted', forced: true, reverts: factId({ ...EscrowDeployed.example }) })
    ],
    ['a second incarnation', rebuilt({ finality: 'safe', incarnation: 2 })]
  ]
  for (const [what, message] of tolerated) test(what, () => assert.equal(faultOf(message), 'none'))
})

describe('why a message can never be handled', () => {
  const otherId = '00000000-0000-8000-8000-000000000000'
  const outcome = encodeMessage(settlementEvents, EscrowFundedOutcome.example, context)
  const table: [string, { data: string; attributes: Record<string, string> }, Fault][] = [
    ['no data', { ...valid, data: '' }, 'not_json'],
    ['half of the data', { ...valid, data: valid.data.slice(0, 100) }, 'not_json'],
    ['a list', { ...valid, data: '[]' }, 'invalid'],
    ['null', { ...valid, data: 'null' }, 'invalid'],
    ['a text', { ...valid, data: '"x"' }, 'invalid'],
    ['a NUL character', messageWith({ memo: 'a\u0000b' }), 'invalid'],
    ['a NUL character in a name', messageWith({ 'a\u0000b': 1 }), 'invalid'],
    ['a lone surrogate', messageWith({ memo: ['\ud800'] }), 'invalid'],
    ['a lone surrogate in a name', messageWith({ memo: { '\udfff': 1 } }), 'invalid'],
    ['nesting deeper than 32', messageWith({ deep: nested(32) }), 'invalid'],
    [
      'a type that nobody knows',
      messageWith({ event_type: 'EscrowPaused' }, { event_type: 'EscrowPaused' }),
      'unknown_type'
    ],
    [
      'a type of Object’s own',
      messageWith({ event_type: 'constructor' }, { event_type: 'constructor' }),
      'unknown_type'
    ],
    ['a type that nobody knows, in the body only', messageWith({ event_type: 'EscrowPaused' }), 'unknown_type'],
    ['a type that is a number', messageWith({ event_type: 7 }), 'invalid'],
    ['no type at all', messageWith({ event_type: undefined }, { event_type: undefined }), 'invalid'],
    ['an event of another topic', outcome, 'wrong_topic'],
    ['version 2', messageWith({ schema_version: 2 }, { schema_version: '2' }), 'unknown_version'],
    ['version 2 in the body only', messageWith({ schema_version: 2 }), 'unknown_version'],
    ['version 2 in the attribute only', messageWith({}, { schema_version: '2' }), 'unknown_version'],
    ['a version that is a text', messageWith({ schema_version: '1' }), 'invalid'],
    ['no version in the body', messageWith({ schema_version: undefined }), 'invalid'],
    ['another id of the message', messageWith({ event_id: otherId }, { event_id: otherId }), 'id_mismatch'],
    ['another id of the fact', messageWith({ fact_id: otherId }, { fact_id: otherId }), 'id_mismatch'],
    ['another block', messageWith({ block_hash: `0x${'b2'.repeat(32)}` }), 'id_mismatch'],
    ['another level', messageWith({ finality: 'safe' }, { finality: 'safe' }), 'id_mismatch'],
    ['another incarnation', messageWith({ incarnation: 2 }, { incarnation: '2' }), 'id_mismatch'],
    ['an id in upper case', messageWith({ fact_id: EscrowDeployed.example.fact_id.toUpperCase() }), 'invalid'],
    ['upper-case hex in an address', messageWith({ payer: EscrowDeployed.example.payer.toUpperCase() }), 'invalid'],
    ['upper-case hex in a hash', messageWith({ block_hash: `0x${'B1'.repeat(32)}` }), 'invalid'],
    ['a short address', messageWith({ payee: '0x12' }), 'invalid'],
    ['a level that isn’t one', messageWith({ finality: 'pending' }, { finality: 'pending' }), 'invalid'],
    ['incarnation 0', messageWith({ incarnation: 0 }, { incarnation: '0' }), 'invalid'],
    ['forced as a text', messageWith({ forced: 'true' }), 'invalid'],
    ...['payer', 'amount', 'arbiter', 'release_delay', 'block_timestamp', 'chain_id', 'fact_id', 'event_id'].map(
      name =>
        [`no ${name} in the body`, messageWith({ [name]: undefined }), 'invalid'] as [string, OutgoingMessage, Fault]
    )
  ]
  for (const [what, message, fault] of table) test(`${what}: ${fault}`, () => assert.equal(faultOf(message), fault))

  const amounts = [
    1500,
    '01',
    '00',
    '-1',
    '+1',
    '1e18',
    '1.5',
    '',
    ' 1',
    '0x10',
    'ten',
    null,
    String(2n ** 256n),
    '9'.repeat(78),
    '1'.repeat(79)
  ]
  for (const amount of amounts) {
    test(`the amount ${JSON.stringify(amount)}: invalid`, () => {
      assert.equal(faultOf(messageWith({ amount })), 'invalid')
      if (amount !== null) assert.equal(faultOf(messageWith({ release_delay: amount })), 'invalid')
    })
  }
  for (const chain_id of [-1, 1.5, 2 ** 53, '31337', null, true]) {
    test(`the chain ${JSON.stringify(chain_id)}: invalid`, () => {
      assert.equal(faultOf(messageWith({ chain_id }, { chain_id: String(chain_id) })), 'invalid')
    })
  }
  const times = ['2026-01-31T12:00:00', '2026-01-31T12:00:00+00:00', '2026-01-31 12:00:00Z', '2026-02-30T00:00:00Z']
  for (const block_timestamp of [
    ...times,
    '2026-01-31T24:00:00Z',
    '2026-01-31T23:59:60Z',
    '0000-01-01T00:00:00Z',
    1769860800
  ]) {
    test(`the time ${JSON.stringify(block_timestamp)}: invalid`, () => {
      assert.equal(faultOf(messageWith({ block_timestamp })), 'invalid')
    })
  }

  for (const name of Object.keys(valid.attributes)) {
    test(`without the attribute ${name}: invalid`, () => {
      assert.equal(faultOf(messageWith({}, { [name]: undefined })), 'invalid')
    })
  }
  test('the contract’s attributes are all there', () => {
    const common = ['event_id', 'event_type', 'schema_version', 'correlation_id', 'traceparent']
    const facts = ['fact_id', 'chain_id', 'finality', 'incarnation', 'first']
    assert.deepEqual(Object.keys(valid.attributes).sort(), [...common, ...facts].sort())
  })
  const differing: [name: string, value: string, fault: Fault][] = [
    ['event_id', otherId, 'id_mismatch'],
    ['fact_id', otherId, 'id_mismatch'],
    ['event_type', 'EscrowReleased', 'invalid'],
    ['schema_version', '01', 'unknown_version'],
    ['chain_id', '1', 'invalid'],
    ['chain_id', '031337', 'invalid'],
    ['finality', 'safe', 'invalid'],
    ['incarnation', '2', 'invalid'],
    ['first', 'TRUE', 'invalid'],
    ['first', '', 'invalid'],
    ['correlation_id', '', 'invalid'],
    ['correlation_id', 'a\u0000b', 'invalid'],
    ['correlation_id', 'a\ud800', 'invalid']
  ]
  for (const [name, value, fault] of differing) {
    test(`the attribute ${name} is ${JSON.stringify(value)}: ${fault}`, () => {
      assert.equal(faultOf(messageWith({}, { [name]: value })), fault)
    })
  }
})

describe('the trace context', () => {
  test('a W3C one is kept', () => assert.equal(received(valid).traceparent, traceparent))
  const others = [
    '',
    'garbage',
    traceparent.toUpperCase().replace('1', 'A'),
    `01${traceparent.slice(2)}`,
    `${traceparent}-x`
  ]
  for (const other of [
    ...others,
    `00-${'0'.repeat(32)}-${'2'.repeat(16)}-01`,
    `00-${'1'.repeat(32)}-${'0'.repeat(16)}-01`
  ]) {
    test(`${JSON.stringify(other)} is replaced, not refused`, () => {
      assert.equal(received(messageWith({}, { traceparent: other })).traceparent, undefined)
    })
  }
})

describe('the digest', () => {
  const digest = (message: ReturnType<typeof messageWith>) => received(message).digest
  const revert = rebuilt({ finality: 'reverted' })
  test('is the same whatever an operator’s history and unknown fields say, and in any order of the fields', () => {
    const body: Record<string, unknown> = JSON.parse(revert.data)
    const backwards = Object.fromEntries(Object.entries(body).reverse())
    const same = [{ ...body, forced: true }, { ...body, reverts: body.fact_id }, { ...body, memo: 'x' }, backwards]
    for (const other of same) {
      assert.equal(digest({ ...revert, data: JSON.stringify(other) }), digest(revert), JSON.stringify(other))
    }
  })
  test('stays the same when an optional field is declared later', () => {
    const body = Type.Object({ ...EscrowDeployed.body.properties, memo: Type.Optional(Type.String()) })
    const extended = defineTopic({ ...escrowEvents, events: [{ ...EscrowDeployed, body }], derivedIds: () => ({}) })
    const later = decodeMessage(extended, valid)
    assert.ok('received' in later)
    assert.equal(later.received.digest, digest(valid))
  })
  const changes = [
    { amount: '1' },
    { arbiter: null },
    { payer: EscrowDeployed.example.payee },
    { block_number: 13 },
    { block_timestamp: '2026-01-31T12:00:01Z' },
    { asset_symbol: 'USDC' },
    { approvals_required: null },
    { escrow_address: EscrowDeployed.example.payer }
  ]
  for (const change of changes) {
    test(`changes with ${Object.keys(change)}`, () =>
      assert.notEqual(digest(messageWith(change)), digest(messageWith({}))))
  }
})

describe('nothing invalid is ever sent', () => {
  test('a payload over 64 KiB', () => {
    const room = MAX_PAYLOAD_BYTES - Buffer.byteLength(JSON.stringify({ ...EscrowDeployed.example, memo: '' }))
    const withMemo = (length: number) => ({ ...EscrowDeployed.example, memo: 'x'.repeat(length) })
    assert.ok(encode(withMemo(room)))
    assert.throws(() => encode(withMemo(room + 1)), /larger than 65536 bytes/)
  })
  test('ids that don’t fit', () => {
    assert.throws(
      () => encode({ ...EscrowDeployed.example, log_index: 2 }),
      /EscrowDeployed may not be published: id_mismatch/
    )
  })
  test('attributes without "first", without correlation id', () => {
    const { free: _, ...bare } = context
    assert.throws(() => encodeMessage(escrowEvents, EscrowDeployed.example, bare), /attribute first is missing/)
    const anonymous = { ...context, correlation_id: '' }
    assert.throws(() => encodeMessage(escrowEvents, EscrowDeployed.example, anonymous), /correlation_id/)
  })
  test('the ordering key is the escrow’s address', () =>
    assert.equal(valid.ordering_key, EscrowDeployed.example.escrow_address))
})
