import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concat, type Hex, keccak256, numberToHex, toRlp } from 'viem'
import { listRoot } from './trie.ts'

type Node = Hex | Node[]
type Entry = { path: string; value: Hex }

/** A second trie, slow and by the book: maps of paths, encoded by the library. */
function rootOf(values: readonly Hex[]): string {
  const entries = values.map((value, index) => ({ path: toRlp(index === 0 ? '0x' : evenHex(index)).slice(2), value }))
  return keccak256(toRlp(entries.length === 0 ? '0x' : nodeOf(entries)))
}

function nodeOf(entries: readonly Entry[]): Node {
  const [first = { path: '', value: '0x' }] = entries
  if (entries.length === 1) return [compact(first.path, '2'), first.value]
  let shared = 0
  while (entries.every(({ path }) => path[shared] === first.path[shared])) shared++
  if (shared > 0) return [compact(first.path.slice(0, shared), '0'), referenceTo(below(entries, shared))]
  const children = [...'0123456789abcdef'].map(nibble => entries.filter(({ path }) => path[0] === nibble))
  return [...children.map(child => (child.length === 0 ? '0x' : referenceTo(below(child, 1)))), '0x']
}

function referenceTo(entries: readonly Entry[]): Node {
  const node = nodeOf(entries)
  const encoded = toRlp(node)
  return encoded.length - 2 < 64 ? node : keccak256(encoded)
}

const below = (entries: readonly Entry[], depth: number) =>
  entries.map(({ path, value }) => ({ path: path.slice(depth), value }))
const compact = (path: string, flag: '0' | '2'): Hex =>
  path.length % 2 === 0 ? `0x${flag}0${path}` : `0x${Number(flag) + 1}${path}`
const evenHex = (index: number): Hex => numberToHex(index, { size: Math.ceil(index.toString(16).length / 2) })

const listRootOf = (values: readonly Hex[]) =>
  listRoot(values.length, (writer, index) => {
    for (const byte of Buffer.from(values[index]?.slice(2) ?? '', 'hex').reverse()) writer.byte(byte)
  })

// Short values make nodes of less than 32 bytes, which stand in their parents.
const value = fc
  .oneof(fc.uint8Array({ minLength: 1, maxLength: 2 }), fc.uint8Array({ minLength: 1, maxLength: 60 }))
  .map((bytes): Hex => `0x${Buffer.from(bytes).toString('hex')}`)

test('the root of any list is that of a second implementation', () => {
  fc.assert(
    fc.property(fc.array(value, { maxLength: 300, size: 'max' }), values =>
      assert.equal(listRootOf(values), rootOf(values))
    ),
    { numRuns: 50 }
  )
})

test('each length at which the keys get another shape', () => {
  for (const length of [0, 1, 2, 16, 17, 127, 128, 129, 130, 144, 255, 256, 257, 272, 273, 512, 4_113]) {
    const values = Array.from({ length }, (_, index) => concat([evenHex(index), '0xff']))
    assert.equal(listRootOf(values), rootOf(values), `${length} values`)
  }
})
