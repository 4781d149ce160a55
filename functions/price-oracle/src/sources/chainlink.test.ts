import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeAbiParameters, type Hex, parseAbiParameters } from 'viem'
import vectors from '../../test-vectors/chainlink.json' with { type: 'json' }
import { parseRound } from './chainlink.ts'

type Expected = { accept?: { price: string }; reject?: string }

for (const { id, result, decimals, heartbeat_s, grace_s, now, expect } of vectors) {
  test(`chainlink ${id}`, () => {
    const { accept, reject }: Expected = expect
    // The vectors hold hex; JSON has no type for it.
    const reading = parseRound(result as Hex, {
      decimals,
      heartbeatSeconds: heartbeat_s,
      graceSeconds: grace_s,
      now: now * 1000
    })
    if (accept) assert.equal('price' in reading && reading.price.toFixed(decimals), accept.price)
    else assert.deepEqual(reading, { refused: reject })
  })
}

const NOW = 1_763_712_000

function round({ roundId = 7n, answer = 394_134_000_000n, updatedAt = BigInt(NOW), answeredInRound = 7n }): Hex {
  const words = parseAbiParameters('uint256, int256, uint256, uint256, uint256')
  return encodeAbiParameters(words, [roundId, answer, updatedAt, updatedAt, answeredInRound])
}

const limits = { decimals: 8, heartbeatSeconds: 3_600, graceSeconds: 120, now: NOW * 1000 }

test('a round that was answered in an earlier one is refused', () => {
  assert.deepEqual(parseRound(round({ answeredInRound: 6n }), limits), { refused: 'round_incomplete' })
  assert.ok('price' in parseRound(round({ answeredInRound: 8n }), limits))
})

test('a round that never ended, and one from the end of time, are refused', () => {
  assert.deepEqual(parseRound(round({ updatedAt: 0n }), limits), { refused: 'stale' })
  assert.deepEqual(parseRound(round({ updatedAt: 2n ** 256n - 1n }), limits), { refused: 'future' })
})

test('zero is no price, and a round beyond 80 bits is no round', () => {
  assert.deepEqual(parseRound(round({ answer: 0n }), limits), { refused: 'not_positive' })
  assert.deepEqual(parseRound(round({ roundId: 2n ** 80n }), limits), { refused: 'malformed' })
})

test('an answer that no message could carry is refused, since it would cost all other assets their round', () => {
  const at = (answer: bigint) => parseRound(round({ answer }), { ...limits, decimals: 0 })
  assert.deepEqual(at(10n ** 60n), { refused: 'malformed' })
  const largest = at(10n ** 60n - 1n)
  assert.equal('price' in largest && largest.price.toFixed(), '9'.repeat(60))
})
