import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { headerHash, type RpcHeader } from './header.ts'
import { vectors } from './test-vectors.ts'

const headers = [...vectors.headers, { ...vectors.mainnet.header, id: 21_925_176, fork: 'mainnet, cancun' }]
const [frontier, osaka] = [vectors.headers.at(0), vectors.headers.at(-1)]
assert.ok(frontier && osaka)

const later = [
  'baseFeePerGas',
  'withdrawalsRoot',
  'blobGasUsed',
  'excessBlobGas',
  'parentBeaconBlockRoot',
  'requestsHash'
] as const

describe('recorded headers', () => {
  for (const header of headers) {
    test(`${header.id} (${header.fork})`, () => assert.equal(headerHash(header), header.hash))
  }
})

/** What an answer has for a header, and no hash to compare with. */
function fieldsOf({ id, fork, hash, ...fields }: (typeof vectors.headers)[number]): Omit<RpcHeader, 'hash'> {
  assert.ok(hash && fork && id >= 0)
  return fields
}

test('another digit anywhere gives another hash', () => {
  const place = fc.constantFrom(...vectors.headers).chain(header => {
    const fields = Object.entries(fieldsOf(header)).filter(([, hex]) => hex !== '0x')
    return fc.constantFrom(...fields).chain(([name, hex]) =>
      fc.record({
        header: fc.constant(header),
        name: fc.constant(name),
        at: fc.integer({ min: 2, max: String(hex).length - 1 })
      })
    )
  })
  fc.assert(
    fc.property(place, fc.integer({ min: 1, max: 15 }), ({ header, name, at }, step) => {
      const hex = String(Object.entries(header).find(([key]) => key === name)?.[1])
      const digit = ((Number.parseInt(hex.charAt(at), 16) + step) % 16).toString(16)
      const changed = { ...fieldsOf(header), [name]: hex.slice(0, at) + digit + hex.slice(at + 1) }
      assert.notEqual(headerHash(changed), header.hash)
    })
  )
})

test('a gap or a part of a fork is refused by name', () => {
  const fields = fieldsOf(osaka)
  const whole = [0, 1, 2, 5, 6]
  for (let mask = 0; mask < 1 << later.length; mask++) {
    const given = later.filter((_, index) => mask & (1 << index))
    const without = Object.fromEntries(later.filter(name => !given.includes(name)).map(name => [name, null]))
    const isPrefix = given.every((name, index) => name === later[index])
    if (isPrefix && whole.includes(given.length))
      assert.match(headerHash({ ...fields, ...without }), /^0x[0-9a-f]{64}$/)
    else assert.throws(() => headerHash({ ...fields, ...without }), /fits no known fork: with \w+ it lacks \w+/)
  }
})

test('a field that every header has is missed by name', () => {
  const { mixHash, ...rest } = fieldsOf(frontier)
  assert.ok(mixHash)
  // A provider's answer is no RpcHeader before it is checked.
  assert.throws(() => headerHash(rest as RpcHeader), /fits no known fork.*lacks mixHash/)
})

test('unknown fields are refused by name where the hash needs them, and tolerated where not', () => {
  const tolerated = { ...osaka, l1BlockNumber: '0x1' }
  assert.equal(headerHash(tolerated), osaka.hash)
  const later = { ...osaka, hash: `0x${'1'.repeat(64)}`, blockAccessListHash: `0x${'2'.repeat(64)}` }
  assert.throws(() => headerHash(later), /unknown ones: .*blockAccessListHash/)
})

test('a wrong hash of known fields is for the caller to see', () => {
  assert.equal(headerHash({ ...fieldsOf(osaka), hash: `0x${'1'.repeat(64)}` }), osaka.hash)
})

test('values of another kind are refused with their field', () => {
  const values = [1, true, {}, [], '', '0x', 'latest', '0xzz', `0x${'f'.repeat(100_000)}`]
  for (const value of values) {
    // A provider's answer is no RpcHeader before it is checked.
    const withField = (name: string) => ({ ...fieldsOf(osaka), [name]: value }) as RpcHeader
    for (const name of ['parentHash', 'logsBloom', 'number', 'baseFeePerGas', 'requestsHash', 'nonce']) {
      assert.throws(() => headerHash(withField(name)), new RegExp(`^Error: ${name} must be `))
    }
  }
})
