import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Hex, keccak256, numberToHex, toRlp, trim } from 'viem'
import { bytesToHex } from './hex.ts'
import { createRlpWriter, type RlpWriter } from './rlp.ts'

type Tree = Hex | Tree[]
const field = { name: 'field' }

const item = fc
  .oneof(fc.uint8Array({ maxLength: 3 }), fc.uint8Array({ minLength: 50, maxLength: 300 }))
  .map((bytes): Hex => `0x${Buffer.from(bytes).toString('hex')}`)
const { tree } = fc.letrec<{ tree: Tree }>(tie => ({
  tree: fc.oneof({ depthSize: 'medium' }, item, fc.array(tie('tree'), { maxLength: 6 }))
}))

function write(writer: RlpWriter, value: Tree): void {
  if (typeof value === 'string') return void writer.data(value, field)
  const since = writer.mark()
  for (const child of value.toReversed()) write(writer, child)
  writer.list(since)
}

function encoded(write: (writer: RlpWriter) => void): string {
  const writer = createRlpWriter()
  write(writer)
  return bytesToHex(writer.view(0))
}

test('any tree is encoded as the library encodes it', () => {
  fc.assert(
    fc.property(tree, value =>
      assert.equal(
        encoded(writer => write(writer, value)),
        toRlp(value)
      )
    )
  )
})

test('sizes around each form of the header', () => {
  for (const size of [0, 1, 2, 55, 56, 255, 256, 65_535, 65_536, 1 << 20]) {
    const data: Hex = `0x${'80'.repeat(size)}`
    assert.equal(
      encoded(writer => write(writer, [data])),
      toRlp([data]),
      `${size} bytes`
    )
  }
})

test('a quantity has no leading zeros, and zero is empty', () => {
  const quantity = (hex: string) => encoded(writer => writer.quantity(hex, field))
  fc.assert(
    fc.property(fc.bigInt(0n, 2n ** 256n - 1n), value => {
      const bytes = value === 0n ? '0x' : trim(numberToHex(value, { size: 32 }))
      assert.equal(quantity(numberToHex(value)), toRlp(bytes))
    })
  )
  assert.equal(quantity('0x000'), '0x80')
  assert.equal(quantity('0x0080'), '0x8180')
})

test('what is no quantity is refused', () => {
  for (const value of ['', '0x', '1', '0xg', '0x1 ', `0x${'1'.repeat(65)}`, 1, 1n, null, undefined, {}]) {
    assert.throws(() => createRlpWriter().quantity(value, field), /^Error: field must be /)
  }
})

test('a hash takes the place of what it is of', () => {
  const digest = encoded(writer => {
    writer.byte(1)
    const since = writer.mark()
    writer.data('0x0203', field)
    writer.digest(since)
  })
  assert.equal(digest, `0xa0${keccak256('0x820203').slice(2)}01`)
})

test('an encoding beyond the limit is refused', () => {
  const writer = createRlpWriter()
  const megabyte = `0x${'00'.repeat(1 << 20)}`
  assert.throws(() => {
    for (let count = 0; count < 65; count++) writer.data(megabyte, field)
  }, /more than 67108864 bytes is refused/)
})
