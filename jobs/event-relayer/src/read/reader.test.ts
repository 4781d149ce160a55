import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { FinalityRule } from '../config.ts'
import type { RpcFault } from '../providers/rpc.ts'
import {
  address,
  approved,
  fault,
  type Lie,
  modelChain,
  modelProvider,
  type Params,
  unknownEvent
} from './model-fixture.ts'

const [escrow, stranger] = [address(0xe1), address(0x57)]
const chain = modelChain(
  Array.from({ length: 12 }, (_, number) => [
    [approved(escrow), approved(stranger)],
    [unknownEvent(escrow)],
    ...(number % 2 ? [[]] : [[approved(escrow)]])
  ])
)
const other = modelChain(
  Array.from({ length: 12 }, () => [[approved(escrow)]]),
  'other'
)
const block = (number: number) => {
  const found = chain[number]
  assert.ok(found)
  return found
}
const header5 = await modelProvider({ chain }).reader.header(5)
const readerThat = (lies: Record<string, Lie>) => modelProvider({ chain, lies }).reader
const wrong = (kind: string) => ({ name: 'WrongAnswer', kind })
const refused = (kind: string) => (error: unknown) => (error as RpcFault).advice?.kind === kind

describe('headers', () => {
  test('are read with their hash, and link', async () => {
    const headers = await modelProvider({ chain }).reader.headers({ from: 2, to: 6 })
    assert.deepEqual(
      headers.map(({ number, hash }) => [number, hash]),
      [2, 3, 4, 5, 6].map(number => [number, block(number).header.hash])
    )
    assert.equal(headers[1]?.parent_hash, headers[0]?.hash)
    assert.equal(headers[0]?.timestamp, 1_700_000_024)
  })

  test('a null block is an error, never an empty one', async () => {
    const reader = readerThat({ eth_getBlockByNumber: ([at], honest) => (at === '0x4' ? null : honest()) })
    await assert.rejects(reader.header(4), refused('retry'))
    await assert.rejects(reader.headers({ from: 2, to: 6 }), /has no block 4/)
  })

  test('another block, another hash, or a parent that was not given is a wrong answer', async () => {
    const lie = (change: object) => readerThat({ eth_getBlockByNumber: () => ({ ...block(4).header, ...change }) })
    await assert.rejects(lie({}).header(5), wrong('wrong_block'))
    await assert.rejects(lie({ hash: `0x${'12'.repeat(32)}` }).header(4), wrong('wrong_hash'))
    await assert.rejects(lie({ gasUsed: '0x1' }).header(4), wrong('wrong_hash'))
    await assert.rejects(lie({ hash: block(4).header.hash.slice(2) }).header(4), wrong('malformed'))
    const fork = readerThat({ eth_getBlockByNumber: ([at], honest) => (at === '0x4' ? other[4]?.header : honest()) })
    await assert.rejects(fork.headers({ from: 2, to: 6 }), wrong('unlinked'))
  })

  test('a reorganisation while they are read is nobody’s fault', async () => {
    let asked = 0
    const reader = readerThat({
      eth_getBlockByNumber: ([at], honest) => (at === '0x4' && asked++ === 0 ? other[4]?.header : honest())
    })
    await assert.rejects(reader.headers({ from: 2, to: 6 }), { name: 'ChainMoved' })
  })

  test('of an unknown format are taken as they are', async () => {
    const lies: Record<string, Lie> = {
      eth_getBlockByNumber: ([at]) => ({ ...chain[Number(at)]?.header, l1BlockNumber: '0x1', gasUsed: '0x1' })
    }
    const read = (format: 'ethereum' | 'unknown') => modelProvider({ chain, lies, format }).reader.header(4)
    assert.equal((await read('unknown')).hash, block(4).header.hash)
    await assert.rejects(read('ethereum'), refused('give_up'))
  })
})

describe('heads', () => {
  async function ids(lies: Record<string, Lie>, finality: FinalityRule = { by: 'tags' }) {
    const { latest, safe, finalized } = await readerThat(lies).heads(finality)
    return [latest.number, safe?.number, finalized?.number]
  }
  const tag = (name: string, answer: () => unknown): Record<string, Lie> => ({
    eth_getBlockByNumber: ([at], honest) => (at === name ? answer() : honest())
  })

  test('are the chain’s own tags, or depths below the head', async () => {
    assert.deepEqual(await ids({}), [11, 9, 7])
    assert.deepEqual(await ids({}, { by: 'depth', safe: 2, finalized: 11 }), [11, 9, 0])
    assert.deepEqual(await ids({}, { by: 'depth', safe: 2, finalized: 12 }), [11, 9, undefined])
  })

  test('a young chain, or one without tags, has none', async () => {
    for (const answer of [() => null, fault('give_up'), fault('retry', 'safe block not found')])
      assert.deepEqual(await ids(tag('safe', answer)), [11, undefined, 7])
    await assert.rejects(ids(tag('finalized', fault('retry', 'bad gateway'))), refused('retry'))
    await assert.rejects(ids(tag('finalized', fault('rate_limited'))), refused('rate_limited'))
  })

  test('a tag above the head that was given is ignored; a head must be there, with its true hash', async () => {
    assert.deepEqual(await ids(tag('latest', () => block(8).header)), [8, undefined, 7])
    await assert.rejects(ids(tag('latest', () => null)), refused('retry'))
    await assert.rejects(ids(tag('finalized', () => ({ ...block(7).header, number: '0x8' }))), wrong('wrong_hash'))
  })
})

describe('logs', () => {
  const range = { from: 3, to: 4 }
  const filter = { addresses: [escrow] }
  const logs = (answer: unknown) => readerThat({ eth_getLogs: () => answer }).logs(range, filter)

  test('are asked for by number or by hash, by addresses or by first topic', async () => {
    const { reader, calls } = modelProvider({ chain })
    assert.equal((await reader.logs(range, filter)).length, 5)
    assert.equal((await reader.logsOf(header5, { topics: ['0x1', '0x2'] })).length, 0)
    assert.deepEqual(
      calls.map(({ params }) => params),
      [
        [{ fromBlock: '0x3', toBlock: '0x4', address: [escrow] }],
        [{ blockHash: header5.hash, topics: [['0x1', '0x2']] }]
      ]
    )
  })

  test('what is not a list of logs is an error, never no logs', async () => {
    for (const answer of [null, undefined, {}, '0x', 'null', 0, false, [null], [[]], [{}]])
      await assert.rejects(logs(answer), wrong('malformed'), JSON.stringify(answer))
    assert.deepEqual(await logs([]), [])
  })

  test('removed ones are left out, fields are checked, and all is lower case', async () => {
    const [log] = block(3).logs
    assert.ok(log)
    assert.deepEqual(await logs([{ ...log, removed: true }]), [])
    const shouting = {
      ...log,
      address: `0x${log.address.slice(2).toUpperCase()}`,
      blockHash: `0x${log.blockHash.slice(2).toUpperCase()}`
    }
    assert.deepEqual(await logs([shouting]), await logs([log]))
    for (const name of ['blockHash', 'blockNumber', 'transactionHash', 'logIndex', 'address', 'topics', 'data'])
      for (const value of [null, undefined, '', 'ab', 5, {}])
        await assert.rejects(logs([{ ...log, [name]: value }]), wrong('malformed'), `${name}: ${value}`)
    await assert.rejects(logs([{ ...log, transactionHash: log.transactionHash.slice(2) }]), wrong('malformed'))
  })

  test('of another block than the one whose hash was asked for are a wrong answer; a refusal stays one', async () => {
    const lying = readerThat({ eth_getLogs: () => block(6).logs })
    await assert.rejects(lying.logsOf(header5, filter), wrong('wrong_block'))
    const old = readerThat({ eth_getLogs: fault('give_up', 'blockHash is not supported') })
    await assert.rejects(old.logsOf(header5, filter), refused('give_up'))
  })
})

describe('receipts', () => {
  const expected = block(5).logs.map(({ logIndex, address }) => [Number(logIndex), address])
  const placed = (logs: { log_index: number; address: string }[]) => logs.map(log => [log.log_index, log.address])
  const methods = (calls: readonly { method: string; params: Params }[]) => calls.map(({ method }) => method)

  test('give all logs of the block, or those of watched addresses', async () => {
    const { reader, calls } = modelProvider({ chain })
    assert.deepEqual(placed(await reader.receipts(header5)), expected)
    const watched = await reader.receipts(header5, address => address === stranger)
    assert.deepEqual(placed(watched), [[1, stranger]])
    assert.deepEqual(calls[0], { method: 'eth_getBlockReceipts', params: [header5.hash] })
  })

  test('are read by number, or one by one, where a provider refuses more; it is asked in vain once', async () => {
    const noHash: Lie = ([at], honest) => (String(at).length === 66 ? fault('give_up')() : honest())
    const byNumber = modelProvider({ chain, lies: { eth_getBlockReceipts: noHash } })
    const oneByOne = modelProvider({ chain, lies: { eth_getBlockReceipts: fault('give_up') } })
    for (const { reader } of [byNumber, oneByOne]) {
      assert.deepEqual(placed(await reader.receipts(header5)), expected)
      assert.deepEqual(placed(await reader.receipts(header5)), expected)
    }
    assert.equal(byNumber.calls.length, 3)
    assert.equal(methods(oneByOne.calls).filter(method => method === 'eth_getBlockReceipts').length, 2)
    assert.equal(methods(oneByOne.calls).filter(method => method === 'eth_getTransactionReceipt').length, 6)
  })

  test('too large for one answer are read one by one, this once', async () => {
    let large = true
    const { reader, calls } = modelProvider({
      chain,
      lies: { eth_getBlockReceipts: (_, honest) => (large ? fault('split')() : honest()) }
    })
    assert.deepEqual(placed(await reader.receipts(header5)), expected)
    large = false
    calls.length = 0
    await reader.receipts(header5)
    assert.deepEqual(methods(calls), ['eth_getBlockReceipts'])
  })

  test('that a provider lacks now, or refuses in every way, are a fault and not an empty block', async () => {
    for (const answer of [() => null, fault('retry'), fault('rate_limited')])
      await assert.rejects(readerThat({ eth_getBlockReceipts: answer }).receipts(header5), { name: 'RpcFault' })
    const nothing = { eth_getBlockReceipts: fault('give_up'), eth_getTransactionReceipt: () => null }
    await assert.rejects(readerThat(nothing).receipts(header5), refused('retry'))
    await assert.rejects(readerThat({ ...nothing, eth_getBlockByHash: () => null }).receipts(header5), refused('retry'))
    await assert.rejects(readerThat({ eth_getBlockReceipts: () => ({}) }).receipts(header5), wrong('malformed'))
  })

  test('of another block at the same height are those of a reorganised chain', async () => {
    const reader = readerThat({
      eth_getBlockReceipts: ([at]) => (String(at).length === 66 ? fault('give_up')() : other[5]?.receipts)
    })
    await assert.rejects(reader.receipts(header5), refused('retry'))
  })

  type Receipts = { logs: { logIndex: string }[]; transactionHash: string; type: string }[]
  const changes: Record<string, (receipts: Receipts) => unknown> = {
    'a receipt left out': receipts => receipts.slice(0, -1),
    'a log left out': ([first, ...rest]) => [{ ...first, logs: first?.logs.slice(1) }, ...rest],
    'data changed': ([first, ...rest]) => [
      { ...first, logs: first?.logs.map(log => ({ ...log, data: '0x01' })) },
      ...rest
    ],
    'no receipts': () => []
  }
  const misplacements: Record<string, object> = {
    'a log with the index of another': { logIndex: '0x7' },
    'a log of another transaction': { transactionHash: `0x${'12'.repeat(32)}` },
    'a log of another block': { blockHash: `0x${'12'.repeat(32)}` },
    'a log of another number': { blockNumber: '0x7' }
  }
  for (const [name, change] of Object.entries(misplacements))
    changes[name] = ([first, ...rest]) => [{ ...first, logs: first?.logs.map(log => ({ ...log, ...change })) }, ...rest]

  for (const [name, change] of Object.entries(changes)) {
    test(`with ${name} are wrong`, async () => {
      // The model's receipts have these fields.
      const reader = readerThat({ eth_getBlockReceipts: (_, honest) => change(honest() as Receipts) })
      await assert.rejects(reader.receipts(header5), wrong('wrong_receipts'))
    })
  }

  test('in another order are right, of an unknown type can’t be proven', async () => {
    const turned = readerThat({ eth_getBlockReceipts: (_, honest) => (honest() as Receipts).toReversed() })
    assert.deepEqual(placed(await turned.receipts(header5)), expected)
    const typed = readerThat({
      eth_getBlockReceipts: (_, honest) => (honest() as Receipts).map(receipt => ({ ...receipt, type: '0x6a' }))
    })
    await assert.rejects(typed.receipts(header5), refused('give_up'))
  })
})

test('chain id and code are read as they are', async () => {
  const { reader } = modelProvider({ chain })
  assert.equal(await reader.chainId(), 31337)
  assert.equal(await reader.code(escrow), '0x60')
  await assert.rejects(readerThat({ eth_chainId: () => null }).chainId(), wrong('malformed'))
  await assert.rejects(readerThat({ eth_getCode: () => null }).code(escrow), wrong('malformed'))
})
