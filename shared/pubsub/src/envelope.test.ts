import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { decodeData, type Envelope, parseEnvelope } from './envelope.ts'

type Accepted = {
  messageId: string | null
  publishTime: string | null
  data_utf8: string
  attributes: Record<string, string>
  orderingKey: string | null
  subscription: string | null
  deliveryAttempt: number | null
}
type Vector = {
  id: string
  kind: 'wrapped' | 'cloudevent-binary' | 'unwrapped' | 'cloudevent-structured' | 'background-event' | 'invalid'
  request: { headers: Record<string, string>; body: string }
  expect: { accept?: Accepted; reject?: 'envelope' | 'payload' | 'subscription' | 'none' }
}
const vectors: Vector[] = JSON.parse(readFileSync(new URL('../test-vectors/push.json', import.meta.url), 'utf8'))

/** What stands in the request's body; undefined where that isn't JSON, which the framework refuses before us. */
function bodyOf({ request }: Vector): unknown {
  try {
    return JSON.parse(request.body)
  } catch {
    return undefined
  }
}
function envelopeOf(vector: Vector): Envelope {
  const parsed = parseEnvelope(bodyOf(vector))
  assert.ok('envelope' in parsed, JSON.stringify(parsed))
  return parsed.envelope
}

describe('recorded pushes', () => {
  // A binary CloudEvent is a wrapped push with more headers.
  const ours = vectors.filter(({ kind }) => kind === 'wrapped' || kind === 'cloudevent-binary')
  for (const vector of ours) {
    test(`${vector.id} is read`, () => {
      const { accept } = vector.expect
      assert.ok(accept)
      const envelope = envelopeOf(vector)
      const { messageId, publishTime, orderingKey, deliveryAttempt, subscription, attributes, data_utf8 } = accept
      assert.deepEqual(decodeData(envelope.data), { text: data_utf8 })
      assert.deepEqual(
        { ...envelope, data: '' },
        {
          subscription,
          message_id: messageId,
          publish_time: publishTime ?? undefined,
          ordering_key: orderingKey ?? undefined,
          delivery_attempt: deliveryAttempt ?? undefined,
          attributes,
          data: ''
        }
      )
    })
  }

  const others = vectors.filter(({ kind }) => ['unwrapped', 'cloudevent-structured', 'background-event'].includes(kind))
  for (const vector of others) {
    test(`${vector.id}, ${vector.kind}, is refused`, () => assert.ok('fault' in parseEnvelope(bodyOf(vector))))
  }

  for (const vector of vectors.filter(({ kind }) => kind === 'invalid')) {
    test(`${vector.id} is broken: ${vector.expect.reject}`, () => {
      const parsed = parseEnvelope(bodyOf(vector))
      const { reject } = vector.expect
      if (vector.id === 'wrong-subscription') assert.notEqual(envelopeOf(vector).subscription, '')
      else if (reject === 'payload') assert.equal('fault' in decodeData(envelopeOf(vector).data), true)
      else if (reject === 'none') assert.ok(parsed)
      else assert.ok('fault' in parsed)
    })
  }
})

describe('the envelope', () => {
  const message = { messageId: '1', data: 'eA==' }
  const subscription = 's'
  const broken: [string, unknown][] = [
    ['no message', { subscription }],
    ['a list as message', { message: [], subscription }],
    ['no subscription', { message }],
    ['a number as subscription', { message, subscription: 1 }],
    ['an empty message id', { message: { messageId: '' }, subscription }],
    ['a number as message id', { message: { messageId: 1 }, subscription }],
    ['an object as data', { message: { messageId: '1', data: {} }, subscription }],
    ['a null attribute', { message: { ...message, attributes: { a: null } }, subscription }],
    ['a text as attributes', { message: { ...message, attributes: 'a' }, subscription }],
    ['a text', 'x'],
    ['nothing', undefined]
  ]
  for (const [what, body] of broken) {
    test(`${what}: refused, with a reason`, () => {
      const parsed = parseEnvelope(body)
      assert.ok('fault' in parsed && parsed.fault.length > 10)
    })
  }

  test('an attempt is a number in either spelling, else unknown', () => {
    for (const [attempt, expected] of [
      [{ deliveryAttempt: 3 }, 3],
      [{ delivery_attempt: 4 }, 4],
      [{ deliveryAttempt: '3' }, undefined],
      [{}, undefined]
    ] as const) {
      const parsed = parseEnvelope({ message, subscription, ...attempt })
      assert.ok('envelope' in parsed)
      assert.equal(parsed.envelope.delivery_attempt, expected)
    }
  })
})

describe('the data', () => {
  const read: [string, string][] = [
    ['', ''],
    ['eyJ4IjoxfQ==', '{"x":1}'],
    ['eyJ4IjoxfQ', '{"x":1}'],
    ['w7_Dvw==', 'ÿÿ'],
    ['w7/Dvw==', 'ÿÿ'],
    ['77u/e30=', '\ufeff{}']
  ]
  for (const [data, text] of read) test(`${data} is ${text}`, () => assert.deepEqual(decodeData(data), { text }))

  const broken: [string, 'not_base64' | 'not_json'][] = [
    ['{"x":1}', 'not_base64'],
    ['eyJ4Ijox fQ==', 'not_base64'],
    ['eyJ4I', 'not_base64'],
    ['=eyJ4', 'not_base64'],
    ['eA===', 'not_base64'],
    ['ü', 'not_base64'],
    ['//57', 'not_json'],
    ['7aCA', 'not_json']
  ]
  for (const [data, fault] of broken) {
    test(`${data}: ${fault}`, () => {
      const decoded = decodeData(data)
      assert.equal('fault' in decoded && decoded.fault, fault)
    })
  }
})
