import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { chainRanges, decodeMessage, escrowEvents, type OutgoingMessage } from '@fusion-prime/events'
import type { FactBody } from './decode/escrow.ts'
import { type FactAtLevel, factMessage, manifestMessage, revertMessage } from './message.ts'

const hash = (tag: string) => `0x${tag.repeat(32)}`
const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
const place = { chain_id: 31337, block_hash: hash('b1'), transaction_hash: hash('7a'), log_index: 3 }

/** WIRE's construction, written out anew. */
function uuid8(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex').slice(0, 32)
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16)
  return `${hex.slice(0, 12)}8${hex.slice(13, 16)}${variant}${hex.slice(17)}`.replace(
    /^(.{8})(.{4})(.{4})(.{4})(.{12})$/,
    '$1-$2-$3-$4-$5'
  )
}
const placeText = `31337:${place.block_hash}:${place.transaction_hash}:3`
const idOf = (operation: string) => uuid8(`${placeText}:${operation}`)

const body: FactBody = {
  ...place,
  event_type: 'ApprovalGranted',
  fact_id: uuid8(placeText),
  schema_version: 1,
  block_number: 7,
  block_timestamp: '2025-01-02T03:04:05Z',
  factory_address: `0x${'fa'.repeat(20)}`,
  escrow_address: `0x${'e5'.repeat(20)}`,
  approver: `0x${'a1'.repeat(20)}`
}
const fact: FactAtLevel = { body, traceparent, finality: 'seen', incarnation: 1, forced: false, first: true }

const bodyOf = (message: OutgoingMessage): Record<string, unknown> => JSON.parse(message.data)
const isValid = ({ data, attributes }: OutgoingMessage) =>
  'received' in decodeMessage(escrowEvents, { data, attributes })

test('a message is valid by the catalogue, on the escrow’s key, with WIRE’s attributes', () => {
  const message = factMessage(fact)
  assert.ok(isValid(message))
  assert.equal(message.topic, 'escrow-events')
  assert.equal(message.ordering_key, body.escrow_address)
  assert.deepEqual(message.attributes, {
    event_id: idOf('seen'),
    event_type: 'ApprovalGranted',
    schema_version: '1',
    correlation_id: `escrow:31337:${body.escrow_address}`,
    traceparent,
    fact_id: body.fact_id,
    chain_id: '31337',
    finality: 'seen',
    incarnation: '1',
    first: 'true'
  })
})

describe('ids and incarnations', () => {
  const cases: [what: string, given: Partial<FactAtLevel>, operation: string, incarnation: number][] = [
    ['seen', {}, 'seen', 1],
    ['safe', { finality: 'safe' }, 'safe', 1],
    ['finalized', { finality: 'finalized' }, 'finalized', 1],
    ['seen again', { incarnation: 2 }, 'seen#2', 2],
    ['safe the third time', { finality: 'safe', incarnation: 3 }, 'safe#3', 3],
    ['finalized after reverts below finality has no number', { finality: 'finalized', incarnation: 3 }, 'finalized', 1],
    ['finalized after a forced revert has', { finality: 'finalized', incarnation: 2, forced: true }, 'finalized#2', 2]
  ]
  for (const [what, given, operation, incarnation] of cases) {
    test(what, () => {
      const message = factMessage({ ...fact, ...given })
      assert.equal(message.event_id, idOf(operation))
      assert.equal(bodyOf(message).incarnation, incarnation)
      assert.ok(isValid(message))
    })
  }
})

test('a fact gives the same bytes, in whatever order its fields were stored and whatever came before', () => {
  const finalized = { ...fact, finality: 'finalized' as const, first: false }
  const shuffled = Object.fromEntries(Object.entries(body).toReversed()) as FactBody // the same fields
  const expected = factMessage(finalized).data
  assert.equal(factMessage({ ...finalized, body: shuffled }).data, expected)
  assert.equal(factMessage({ ...finalized, incarnation: 4, first: true }).data, expected)
})

describe('reverts', () => {
  const cases: [
    what: string,
    given: Parameters<typeof revertMessage>[0],
    operation: string,
    reverts: string,
    forced: boolean
  ][] = [
    ['of seen', { ...fact, was: 'seen' }, 'reverted', 'seen', false],
    ['of safe, the newest level', { ...fact, was: 'safe' }, 'reverted', 'safe', false],
    ['of the second incarnation', { ...fact, was: 'safe', incarnation: 2 }, 'reverted#2', 'safe#2', false],
    ['by force of a finalized one', { ...fact, was: 'finalized' }, 'reverted', 'finalized', true],
    [
      'by force, for the first time, of a later incarnation: its finalized message had no number',
      { ...fact, was: 'finalized', incarnation: 2 },
      'reverted#2',
      'finalized',
      true
    ],
    ['by force again', { ...fact, was: 'finalized', incarnation: 2, forced: true }, 'reverted#2', 'finalized#2', true]
  ]
  for (const [what, given, operation, reverts, forced] of cases) {
    test(what, () => {
      const message = revertMessage(given)
      const said = bodyOf(message)
      assert.equal(message.event_id, idOf(operation))
      assert.deepEqual([said.finality, said.reverts, said.forced], ['reverted', idOf(reverts), forced || undefined])
      assert.equal(message.attributes.first, 'false')
      assert.equal(said.approver, `0x${'a1'.repeat(20)}`)
      assert.ok(isValid(message))
    })
  }
})

describe('manifests', () => {
  const manifest = {
    from_block: 1,
    from_hash: hash('b1'),
    to_block: 8,
    to_hash: hash('b8'),
    revision: 1,
    count: 0,
    digest: createHash('sha256').update('').digest('hex'),
    previous_digest: null
  }
  test('the first statement of a range', () => {
    const message = manifestMessage({ chainId: 31337, manifest, traceparent })
    assert.ok('received' in decodeMessage(chainRanges, message))
    assert.equal(message.topic, 'chain.ranges.v1')
    assert.equal(message.ordering_key, 'chain:31337')
    assert.equal(message.event_id, uuid8(`31337:range:1:${manifest.to_hash}`))
    assert.equal(bodyOf(message).event_type, 'range_finalized')
    assert.equal('revision' in bodyOf(message), false)
  })
  test('a later one is another message', () => {
    const message = manifestMessage({ chainId: 31337, manifest: { ...manifest, revision: 2 }, traceparent })
    assert.ok('received' in decodeMessage(chainRanges, message))
    assert.notEqual(message.event_id, uuid8(`31337:range:1:${manifest.to_hash}`))
    assert.equal(bodyOf(message).revision, 2)
  })
})
