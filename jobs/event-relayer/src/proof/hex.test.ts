import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bytesToHex, hexToBytes, hexToNumber } from './hex.ts'

const any = { name: 'field' }
const two = { name: 'field', bytes: 2 }

test('bytes become hex and the same bytes again, in either case', () => {
  fc.assert(
    fc.property(fc.uint8Array(), bytes => {
      const hex = bytesToHex(bytes)
      assert.deepEqual(hexToBytes(hex, any), bytes)
      assert.deepEqual(hexToBytes(`0x${hex.slice(2).toUpperCase()}`, any), bytes)
    })
  )
})

// U+0130 and U+FF11 end in the bytes of '0' and of no digit; a decoder that looks at one byte takes the first for a digit.
const notBytes = [
  '',
  '0',
  '0x0',
  '0X00',
  '00',
  '0x0g',
  '0x 0',
  '0x\u013000',
  '0x00\u0130\u0130',
  '0x\uff11\uff11',
  '0x-1',
  1,
  1n,
  null,
  undefined,
  {},
  ['0x00'],
  true
]

test('what is no hex is refused', () => {
  for (const value of notBytes)
    assert.throws(() => hexToBytes(value, any), /^Error: field must be hex with 0x, and is /)
})

test('bytes of another number are refused', () => {
  for (const value of ['0x', '0x00', '0x000000'])
    assert.throws(() => hexToBytes(value, two), /field must be 2 bytes of hex with 0x/)
})

test('the message shows the beginning of a long value only', () => {
  assert.throws(
    () => hexToBytes(`0x${'z'.repeat(1_000_000)}`, any),
    ({ message }: Error) => {
      assert.match(message, /\(1000002 characters\)$/)
      return message.length < 120
    }
  )
})

test('a number has at most 32 bits', () => {
  assert.equal(hexToNumber('0x0', any), 0)
  assert.equal(hexToNumber('0xFfffffff', any), 2 ** 32 - 1)
  for (const value of ['0x', '0x100000000', '0x1g', '1', '-0x1', '0x1\n', 1, null, undefined]) {
    assert.throws(() => hexToNumber(value, any), /^Error: field must be /)
  }
})
