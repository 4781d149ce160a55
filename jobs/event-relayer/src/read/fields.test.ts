import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RpcHeader } from '../proof/header.ts'
import { bytes, hex, list, quantity, record, toHeader } from './fields.ts'
import { modelChain } from './model-fixture.ts'

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

test('what is nested too deep to be shown is malformed like anything else', () => {
  const deep = JSON.parse(`${'['.repeat(200_000)}${']'.repeat(200_000)}`)
  for (const read of [quantity, hex, (value: unknown) => bytes(value, 2), (value: unknown) => record(value, 'a log')])
    assert.throws(() => read(deep), malformed)
})

test('a header’s time is one that a message can say', async () => {
  const [block] = modelChain([[]])
  const at = (timestamp: string) => toHeader({ ...block?.header, timestamp } as RpcHeader) // what a provider may say
  assert.equal(at('0x3afff4417f').timestamp, Date.parse('9999-12-31T23:59:59Z') / 1000)
  for (const timestamp of ['0x3afff44180', '0x1fffffffffffff']) assert.throws(() => at(timestamp), malformed)
})

test('what is not an object or a list is refused, with the beginning of what was given', () => {
  for (const value of [null, undefined, 'logs', 1, []]) assert.throws(() => record(value, 'a log'), malformed)
  for (const value of [null, undefined, {}, 'logs']) assert.throws(() => list(value, 'a list of logs'), malformed)
  assert.throws(() => list('x'.repeat(500), 'a list of logs'), /gave "x{79}… for a list of logs/)
})
