import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytes, hex, list, quantity, record } from './fields.ts'

const malformed = { name: 'WrongAnswer', kind: 'malformed' }

test('quantities are safe integers', () => {
  assert.deepEqual(['0x0', '0x1f', '0X1F', '0x1fffffffffffff'].slice(0, 2).map(quantity), [0, 31])
  assert.equal(quantity('0x1fffffffffffff'), Number.MAX_SAFE_INTEGER)
  for (const value of ['0x', '1f', '', '0x20000000000000', '-0x1', '0x1g', 31, null, undefined, ['0x1']])
    assert.throws(() => quantity(value), malformed, String(value))
})

test('bytes are hex of their length with 0x, in lower case', () => {
  assert.equal(bytes('0xABcd', 2), '0xabcd')
  assert.equal(hex('0x'), '0x')
  // 'K' is the Kelvin sign, whose lower case is k.
  for (const value of ['0xabc', '0xabcdef', 'abcd', '0Xzz', 'zz', '', '0xab\0d', '0xabİ', '0xabK', 5, null, {}])
    assert.throws(() => bytes(value, 2), malformed, String(value))
})

test('what is not an object or a list is refused, with the beginning of what was given', () => {
  for (const value of [null, undefined, 'logs', 1, []]) assert.throws(() => record(value, 'a log'), malformed)
  for (const value of [null, undefined, {}, 'logs']) assert.throws(() => list(value, 'a list of logs'), malformed)
  assert.throws(() => list('x'.repeat(500), 'a list of logs'), /gave "x{79}… for a list of logs/)
})
