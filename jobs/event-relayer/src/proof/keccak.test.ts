import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { keccak256 as viemKeccak256 } from 'viem'
import { bytesToHex } from './hex.ts'
import { keccak256 } from './keccak.ts'

const same = (bytes: Uint8Array) => assert.equal(bytesToHex(keccak256(bytes)), viemKeccak256(bytes))

test('gives the hash of any bytes, also around the sizes of a block and of the memory they pass through', () => {
  for (const size of [0, 1, 135, 136, 137, 272, 16_383, 16_384, 16_385, 40_000]) same(new Uint8Array(size).fill(7))
  fc.assert(fc.property(fc.uint8Array({ maxLength: 1_000 }), same))
})

test('a hash that was given stays as it is when the next is computed', () => {
  const first = keccak256(new Uint8Array(1))
  const copy = first.slice()
  keccak256(new Uint8Array(2))
  assert.deepEqual(first, copy)
})
