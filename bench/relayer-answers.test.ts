import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { createAnswers, type PreparedBlock } from './relayer-answers.ts'

const json = (value: unknown) => Buffer.from(JSON.stringify(value))
const blocks: PreparedBlock[] = [0, 1, 2, 3].map(number => ({
  hash: `0xhash${number}`,
  header: json(`header ${number}`),
  receipts: json([`receipt ${number}`]),
  logs: [
    { address: '0xa', topic0: '0x1', json: json(`log ${number} of a`) },
    { address: '0xb', topic0: '0x2', json: json(`log ${number} of b`) }
  ]
}))
const answers = createAnswers({ chainId: 31337, blocks })
beforeEach(() => answers.begin({ latest: 2, finalized: 1 }))

const send = (body: unknown) => JSON.parse(answers.answer(json(body)).toString())
const call = (method: string, ...params: unknown[]) => send({ jsonrpc: '2.0', id: 7, method, params })

test('blocks and receipts by number, tag and hash; above the head there is nothing', () => {
  for (const [tag, number] of [
    ['0x2', 2],
    ['latest', 2],
    ['finalized', 1],
    ['safe', 1],
    ['earliest', 0]
  ] as const)
    assert.deepEqual(call('eth_getBlockByNumber', tag, false), { jsonrpc: '2.0', id: 7, result: `header ${number}` })
  assert.equal(call('eth_getBlockByNumber', '0x3', false).result, null)
  assert.equal(call('eth_getBlockByHash', '0xhash1', false).result, 'header 1')
  assert.equal(call('eth_getBlockByHash', '0xhash3', false).result, null)
  assert.deepEqual(call('eth_getBlockReceipts', '0xhash2').result, ['receipt 2'])
  assert.deepEqual(call('eth_getBlockReceipts', '0x1').result, ['receipt 1'])
})

test('logs of a range or a block, by address and first topic', () => {
  const logs = (filter: object) => call('eth_getLogs', filter).result
  const range = { fromBlock: '0x1', toBlock: '0x2' }
  assert.deepEqual(logs(range), ['log 1 of a', 'log 1 of b', 'log 2 of a', 'log 2 of b'])
  assert.deepEqual(logs({ ...range, address: '0xA' }), ['log 1 of a', 'log 2 of a'])
  assert.deepEqual(logs({ ...range, address: ['0xb', '0xc'] }), ['log 1 of b', 'log 2 of b'])
  assert.deepEqual(logs({ ...range, topics: [['0x2', '0x3']] }), ['log 1 of b', 'log 2 of b'])
  assert.deepEqual(logs({ blockHash: '0xhash1', address: '0xb' }), ['log 1 of b'])
  assert.deepEqual(logs({ ...range, address: '0xc' }), [])
})

test('what a node refuses is refused', () => {
  assert.match(call('eth_getLogs', { fromBlock: '0x1', toBlock: '0x3' }).error.message, /beyond current head/)
  assert.match(call('eth_getLogs', { blockHash: '0xhash3' }).error.message, /unknown block/)
  assert.equal(call('eth_getTransactionReceipt', '0x').error.code, -32601)
})

test('a batch is answered in order, and counted by method until it begins anew', () => {
  const batch = ['eth_chainId', 'eth_blockNumber', 'eth_chainId'].map((method, id) => ({ id, method, params: [] }))
  assert.deepEqual(
    send(batch).map(({ id, result }: { id: number; result: string }) => [id, result]),
    [
      [0, '0x7a69'],
      [1, '0x2'],
      [2, '0x7a69']
    ]
  )
  const { requests, requestBytes, methods } = answers.counts()
  assert.deepEqual([requests, requestBytes], [1, JSON.stringify(batch).length])
  assert.deepEqual(methods.eth_chainId, { calls: 2, bytes: 2 * '{"jsonrpc":"2.0","id":0,"result":"0x7a69"}'.length })
  answers.begin({ latest: 3, finalized: 3 })
  assert.deepEqual(answers.counts(), { requests: 0, requestBytes: 0, methods: {} })
})
