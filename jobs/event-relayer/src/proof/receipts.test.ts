import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type Hex, keccak256, toRlp } from 'viem'
import { bytesToHex } from './hex.ts'
import { logsOfReceipts, type RpcReceipt, receiptsRoot, writeReceipt } from './receipts.ts'
import { createRlpWriter } from './rlp.ts'
import { vectors } from './test-vectors.ts'

const { header, receipts } = vectors.mainnet
const [first, second] = receipts
assert.ok(first && second)
const oldBlock = vectors.blocks.find(({ receipts }) => receipts.some(({ root }) => root))
const old = oldBlock?.receipts[0]
assert.ok(old)

function encoded(receipt: RpcReceipt): string {
  const writer = createRlpWriter()
  writeReceipt(writer, receipt)
  return bytesToHex(writer.view(0))
}
/** The root of a block with this one receipt. A provider's answer is no RpcReceipt before it is checked. */
const rootWith = (changes: object) => receiptsRoot([{ ...first, ...changes } as RpcReceipt])

describe('recorded blocks', () => {
  for (const { id, fork, receipts, receiptsRoot: root } of vectors.blocks) {
    test(`${id} (${fork})`, () => assert.equal(receiptsRoot(receipts), root))
  }
  test('mainnet 21925176', () => assert.equal(receiptsRoot(receipts), header.receiptsRoot))
})

test('the vectors have every type of Ethereum, and receipts from before Byzantium', () => {
  const types = new Set(vectors.blocks.flatMap(({ receipts }) => receipts.map(({ type }) => type)))
  assert.deepEqual([...types].sort(), ['0x0', '0x1', '0x2', '0x3', '0x4'])
})

test('each receipt has its recorded encoding', () => {
  for (const { id, raw } of vectors.raw) {
    const block = vectors.blocks.find(block => block.id === id)
    assert.deepEqual(block?.receipts.map(encoded), raw, `block ${id}`)
  }
})

test('the order in which receipts are given makes no difference', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(receipts, { minLength: receipts.length }), shuffled => {
      assert.equal(receiptsRoot(shuffled), header.receiptsRoot)
      assert.deepEqual(logsOfReceipts(shuffled), logsOfReceipts(receipts))
    }),
    { numRuns: 5 }
  )
})

test('a log that is left out, doubled, moved or changed gives another root', () => {
  const withLogs = receipts.filter(({ logs }) => logs.length > 1)
  const place = fc
    .constantFrom(...withLogs)
    .chain(receipt => fc.record({ receipt: fc.constant(receipt), at: fc.nat(receipt.logs.length - 1) }))
  const harm = fc.constantFrom('left out', 'doubled', 'moved', 'other data', 'other address', 'topic less')
  fc.assert(
    fc.property(place, harm, ({ receipt, at }, harm) => {
      const { logs } = receipt
      const [log, others] = [logs[at], logs.toSpliced(at, 1)]
      assert.ok(log)
      const changed = {
        'left out': others,
        doubled: [...logs, log],
        moved: at === 0 ? [...others, log] : [log, ...others],
        'other data': logs.with(at, { ...log, data: `${log.data}00` }),
        'other address': logs.with(at, { ...log, address: `0x${'12'.repeat(20)}` }),
        'topic less': logs.with(at, { ...log, topics: log.topics.slice(1) })
      }[harm]
      fc.pre(JSON.stringify(changed) !== JSON.stringify(logs) && (harm !== 'topic less' || log.topics.length > 0))
      const answer = receipts.map(other => (other === receipt ? { ...receipt, logs: changed } : other))
      assert.notEqual(receiptsRoot(answer), header.receiptsRoot)
    }),
    { numRuns: 40 }
  )
})

test('logs are numbered through the block, as recorded', () => {
  assert.deepEqual(
    logsOfReceipts(receipts),
    receipts.flatMap(({ logs }) => logs)
  )
})

test('a block without receipts has the root of the empty trie', () => {
  assert.equal(receiptsRoot([]), keccak256('0x80'))
})

test('a doubled, missing or impossible index is refused', () => {
  assert.throws(() => receiptsRoot([first, first]), /two receipts have transactionIndex 0/)
  assert.throws(() => receiptsRoot([second]), /transactionIndex 1 in a block of 1 receipts: some are missing/)
  assert.throws(() => receiptsRoot(receipts.slice(1)), /some are missing/)
  for (const transactionIndex of [undefined, null, 0, '', '0', '0x', '-0x1', '0x1000000000'])
    assert.throws(() => rootWith({ transactionIndex }), /^Error: transactionIndex must be /)
})

const misfits: [string, object, RegExp][] = [
  ['an unknown type', { type: '0x5' }, /its type 5 is unknown/],
  ['a type that is no number', { type: 2 }, /type must be hex/],
  ['a typed receipt with a root', { root: header.hash }, /has type 2 and a root/],
  ['status and root', { type: '0x0', root: header.hash }, /either a status or a root/],
  ['neither status nor root', { status: null }, /either a status or a root/],
  ['a status that is neither 0 nor 1', { status: '0x2' }, /its status is 2/],
  ['a root of another size', { type: '0x0', status: null, root: '0x00' }, /root must be 32 bytes/],
  ['no gas', { cumulativeGasUsed: undefined }, /cumulativeGasUsed must be hex/],
  ['a short bloom', { logsBloom: '0x00' }, /logsBloom must be 256 bytes/],
  ['no logs', { logs: null }, /its logs must be a list/],
  ['a log that is none', { logs: [null] }, /list of at most 4 topics/],
  ['topics that are no list', { logs: [{ ...first.logs[0], topics: '0x' }] }, /list of at most 4 topics/],
  ['five topics', { logs: [{ ...first.logs[0], topics: Array(5).fill(header.hash) }] }, /list of at most 4 topics/],
  ['a short topic', { logs: [{ ...first.logs[0], topics: ['0x01'] }] }, /a log's topic must be 32 bytes/],
  ['a short address', { logs: [{ ...first.logs[0], address: '0x01' }] }, /a log's address must be 20 bytes/],
  ['data of half a byte', { logs: [{ ...first.logs[0], data: '0x123' }] }, /a log's data must be hex/],
  ['a deposit without its nonce', { type: '0x7e', depositReceiptVersion: '0x1' }, /depositNonce must be hex/]
]
for (const [name, changes, message] of misfits) {
  test(`refused: ${name}`, () => {
    assert.throws(() => rootWith(changes), message)
    assert.throws(() => rootWith(changes), /^Error: receipt 0 of 1: /)
  })
}

test('refused: what is no list of receipts', () => {
  for (const answer of [null, undefined, {}, 'receipts', 1, [null], [[]], ['0x']]) {
    const given = answer as unknown as RpcReceipt[] // a provider's answer is no RpcReceipt before it is checked
    assert.throws(() => receiptsRoot(given), /^Error: (receipts|transactionIndex) must be /)
  }
})

test('an old receipt may say null for its status, a new one for its root', () => {
  assert.equal(encoded({ ...old, status: null }), encoded(old))
  assert.equal(encoded({ ...first, root: null }), encoded(first))
})

describe('a deposit of the OP Stack', () => {
  const bloom: Hex = `0x${'00'.repeat(256)}`
  // The figures of op-alloy's recorded Regolith receipt.
  const deposit = {
    ...first,
    type: '0x7e',
    cumulativeGasUsed: '0xb741',
    logsBloom: bloom,
    logs: [],
    depositNonce: '0x3d3bbf'
  }
  const typed = (fields: (Hex | Hex[])[]) => `0x7e${toRlp(fields).slice(2)}`

  test('before Canyon its nonce is not hashed', () => {
    assert.equal(encoded(deposit), typed(['0x01', '0xb741', bloom, []]))
  })
  test('since Canyon its nonce and version are', () => {
    const expected = typed(['0x01', '0xb741', bloom, [], '0x3d3bbf', '0x01'])
    assert.equal(encoded({ ...deposit, depositReceiptVersion: '0x1' }), expected)
  })
})
