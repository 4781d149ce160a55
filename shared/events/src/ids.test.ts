import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { escrowWorkflow, eventId, type Finality, factId, operation, uuid8 } from './ids.ts'

const place = {
  chain_id: 31337,
  block_hash: `0x${'b1'.repeat(32)}`,
  transaction_hash: `0x${'7a'.repeat(32)}`,
  log_index: 1
}
const placeText = `31337:0x${'b1'.repeat(32)}:0x${'7a'.repeat(32)}:1`

/** The contract's words, by digits of the hash: version 8 is the 13th, the variant's two bits are in the 17th. */
function idOf(text: string): string {
  const hash = createHash('sha256').update(text, 'utf8').digest('hex').slice(0, 32)
  const variant = ((Number.parseInt(hash.charAt(16), 16) % 4) + 8).toString(16)
  const digits = `${hash.slice(0, 12)}8${hash.slice(13, 16)}${variant}${hash.slice(17)}`
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

test('ids don’t change: values written down once', () => {
  assert.equal(uuid8(''), 'e3b0c442-98fc-8c14-9afb-f4c8996fb924') // SHA-256 of nothing, e3b0c44298fc1c149afbf4c8996fb924…
  assert.equal(uuid8('abc'), 'ba7816bf-8f01-8fea-8141-40de5dae2223') // SHA-256 of "abc", FIPS 180-2 B.1
  assert.equal(factId(place), '9e8ccb2a-84e0-89ac-bbe3-67b12ebe53a2')
  assert.equal(eventId({ ...place, finality: 'finalized', incarnation: 1 }), '79570998-d610-8fc0-90d5-8811763de666')
})

test('a fact’s id is made of chain, block, transaction and log index, in this order', () => {
  assert.equal(factId(place), idOf(placeText))
})

const operations: [Finality, number, string][] = [
  ['seen', 1, 'seen'],
  ['safe', 1, 'safe'],
  ['finalized', 1, 'finalized'],
  ['reverted', 1, 'reverted'],
  ['seen', 2, 'seen#2'],
  ['reverted', 2, 'reverted#2'],
  ['finalized', 3, 'finalized#3'],
  ['safe', 10, 'safe#10']
]
for (const [finality, incarnation, expected] of operations) {
  test(`the operation of ${finality} in incarnation ${incarnation} is ${expected}, and the message’s id has it at its end`, () => {
    assert.equal(operation(finality, incarnation), expected)
    assert.equal(eventId({ ...place, finality, incarnation }), idOf(`${placeText}:${expected}`))
  })
}

test('every id is a UUID of version 8 with RFC 9562’s variant', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), text => {
      const id = uuid8(text)
      assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      assert.equal(id, idOf(text))
    })
  )
})

test('each part of a place changes both ids; level and incarnation change the message’s only', () => {
  const others = [
    { ...place, chain_id: 1 },
    { ...place, block_hash: `0x${'b2'.repeat(32)}` },
    { ...place, transaction_hash: `0x${'7b'.repeat(32)}` },
    { ...place, log_index: 2 }
  ]
  const first = { finality: 'seen', incarnation: 1 } as const
  assert.equal(new Set([place, ...others].map(factId)).size, 5)
  assert.equal(new Set([place, ...others].map(one => eventId({ ...one, ...first }))).size, 5)
})

test('an escrow’s workflow names its chain and address', () => {
  assert.equal(escrowWorkflow({ chain_id: 1, escrow_address: '0xab' }), 'escrow:1:0xab')
})
