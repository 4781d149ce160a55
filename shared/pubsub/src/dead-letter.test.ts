import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Fault } from '@fusion-prime/events'
import { deadLetter } from './dead-letter.ts'
import type { Envelope } from './envelope.ts'

const envelope: Envelope = {
  subscription: 'projects/p/subscriptions/escrow-events-settlement',
  message_id: '42',
  publish_time: '2026-01-31T12:00:00Z',
  ordering_key: '0xa1',
  delivery_attempt: 3,
  attributes: { event_id: 'e', tenant: 'ü' },
  data: Buffer.from('{"x":1}').toString('base64')
}
const now = new Date('2026-02-01T00:00:00.000Z')
const reason = { topic: 'escrow-events', fault: 'invalid' as Fault, detail: 'why', now }
const attributesOf = (attributes: Record<string, string>, detail = 'why') =>
  deadLetter({ ...envelope, attributes }, { ...reason, detail }).attributes
const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${index}`, 'x']))

describe('a dead letter', () => {
  test('is the original with its reason, for the topic of the path', () => {
    assert.deepEqual(deadLetter(envelope, reason), {
      topic: 'escrow-events-dlq',
      data: Buffer.from('{"x":1}'),
      attributes: {
        event_id: 'e',
        tenant: 'ü',
        dead_letter_reason: 'invalid',
        dead_letter_detail: 'why',
        dead_letter_source_subscription: 'projects/p/subscriptions/escrow-events-settlement',
        dead_letter_message_id: '42',
        dead_letter_time: '2026-02-01T00:00:00.000Z'
      },
      ordering_key: '0xa1'
    })
  })

  test('without data, attributes or key it has none of the original’s', () => {
    const letter = deadLetter({ ...envelope, data: '', attributes: {}, ordering_key: undefined }, reason)
    assert.deepEqual([letter.data, letter.ordering_key], [Buffer.alloc(0), ''])
    assert.equal(Object.keys(letter.attributes).length, 5)
  })

  test('data that isn’t base64 is kept as the text that came; bytes that aren’t text as they are', () => {
    const text = deadLetter({ ...envelope, data: 'not base64: ü' }, { ...reason, fault: 'not_base64' })
    assert.deepEqual(text.data, Buffer.from('not base64: ü'))
    const bytes = deadLetter({ ...envelope, data: '//57' }, { ...reason, fault: 'not_json' })
    assert.deepEqual(bytes.data, Buffer.from([0xff, 0xfe, 0x7b]))
  })

  test('one that becomes a dead letter again says the newest reason', () => {
    const again = attributesOf({ dead_letter_reason: 'not_json', dead_letter_detail: 'old', event_id: 'e' })
    assert.deepEqual([again.dead_letter_reason, again.dead_letter_detail], ['invalid', 'why'])
  })
})

describe('Pub/Sub’s limits', () => {
  test('90 attributes are kept, all of them', () => {
    const kept = attributesOf(many(90))
    assert.equal(Object.keys(kept).length, 95)
    assert.equal('dead_letter_truncated' in kept, false)
  })

  test('of more than 90 only the contract’s are kept, and it says so', () => {
    const contract = Object.fromEntries(
      [
        'event_id',
        'event_type',
        'schema_version',
        'correlation_id',
        'traceparent',
        'fact_id',
        'chain_id',
        'finality',
        'incarnation',
        'first'
      ].map(name => [name, name])
    )
    const kept = attributesOf({ ...many(81), ...contract })
    assert.equal(Object.keys(kept).length, 10 + 5 + 1)
    for (const name of Object.keys(contract)) assert.equal(kept[name], name)
    assert.equal(kept.dead_letter_truncated, 'true')
  })

  const values: [string, string, number][] = [
    ['1,024 bytes stay', 'x'.repeat(1_024), 1_024],
    ['a byte more is cut', 'x'.repeat(1_025), 1_024],
    ['no character is cut in two: ü', `x${'ü'.repeat(512)}`, 1_023],
    ['no character is cut in two: €', `x${'€'.repeat(400)}`, 1_024],
    ['no character is cut in two: 😀', `x${'😀'.repeat(300)}`, 1_021]
  ]
  for (const [what, value, bytes] of values) {
    test(`a value: ${what}`, () => {
      const { tenant = '' } = attributesOf({ tenant: value })
      assert.equal(Buffer.byteLength(tenant), bytes)
      assert.ok(value.startsWith(tenant))
    })
  }

  test('the detail is cut to 1,000 bytes, at a character’s edge', () => {
    const { dead_letter_detail: detail = '' } = attributesOf({}, `x${'ü'.repeat(800)}`)
    assert.equal(detail, `x${'ü'.repeat(499)}`)
  })

  test('an id and a key of any length fit', () => {
    const long = 'ü'.repeat(600)
    const letter = deadLetter({ ...envelope, message_id: long, ordering_key: long }, reason)
    for (const text of [letter.attributes.dead_letter_message_id, letter.ordering_key]) {
      assert.equal(text, 'ü'.repeat(512))
    }
  })

  const names: [name: string, kept: boolean][] = [
    ['', false],
    ['x'.repeat(256), true],
    ['x'.repeat(257), false],
    ['ü'.repeat(129), false],
    ['goog', false],
    ['google', false],
    ['GoogFoo', false],
    ['googclient_traceparent', true],
    ['agoog', true],
    ['CloudPubSubDeadLetterSourceSubscription', true]
  ]
  for (const [name, kept] of names) {
    test(`the attribute "${name.slice(0, 40)}" (${Buffer.byteLength(name)} bytes) is ${kept ? 'kept' : 'left out'}`, () => {
      assert.equal(name in attributesOf({ [name]: 'x', event_id: 'e' }), kept)
    })
  }

  test('what can’t be UTF-8 is replaced: gRPC would refuse the whole message', () => {
    const kept = attributesOf({ tenant: 'a\ud800', 'n\udfff': 'x' }, 'b\ud800')
    for (const text of Object.entries(kept).flat()) assert.ok(text.isWellFormed(), JSON.stringify(text))
    assert.deepEqual([kept.tenant, kept['n\ufffd'], kept.dead_letter_detail], ['a\ufffd', 'x', 'b\ufffd'])
  })

  test('names of Object’s own are names like any other', () => {
    const attributes: Record<string, string> = JSON.parse('{"__proto__":"x","constructor":"y"}')
    const kept = attributesOf(attributes)
    assert.deepEqual([Object.entries(kept)[0], kept.constructor], [['__proto__', 'x'], 'y'])
  })
})
