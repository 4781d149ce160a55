import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { createEscrowClient } from './escrow-client.ts'

type Request = { id: number; method: string }

const hash = `0x${'aa'.repeat(32)}` as const
const payer = `0x${'11'.repeat(20)}` as const
const receipt = { transactionHash: hash, blockHash: hash, blockNumber: '0x5', status: '0x1', logs: [] }
/** How often the node was given the transaction. */
let sends = 0

/** A node that keeps what it has taken to itself until it is mined, and takes nothing twice: as one behind a load balancer does. */
const answers: Record<string, () => object> = {
  eth_chainId: () => ({ result: '0x7a69' }),
  eth_getCode: () => ({ result: '0x00' }),
  eth_call: () => ({ result: '0x' }),
  eth_getTransactionCount: () => ({ result: '0x0' }),
  eth_getTransactionByHash: () => ({ result: null }),
  eth_getTransactionReceipt: () => ({ result: sends > 1 ? receipt : null }),
  eth_sendTransaction: () => {
    sends += 1
    return sends > 1 ? { error: { code: -32_000, message: 'already known' } } : { result: hash }
  }
}
const unknown = { error: { code: -32_601, message: 'there is no such method' } }
const answer = ({ id, method }: Request) => ({ jsonrpc: '2.0', id, ...(answers[method]?.() ?? unknown) })

let node: Server
before(async () => {
  node = createServer(async (request, response) => {
    // A JSON-RPC client sends one call or a list of them.
    const sent = JSON.parse(Buffer.concat(await request.toArray()).toString()) as Request | Request[]
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(Array.isArray(sent) ? sent.map(answer) : answer(sent)))
  })
  await new Promise<void>(listening => node.listen(0, '127.0.0.1', listening))
})
after(() => node?.close())

test('a transaction that the node hides, and refuses to take again, is waited for: it may still be mined', async () => {
  const { port } = node.address() as AddressInfo // it listens on a port
  const client = createEscrowClient({ rpcUrl: `http://127.0.0.1:${port}` })
  assert.deepEqual(await client.approve({ from: payer, escrow: payer }), { transactionHash: hash, blockNumber: 5n })
  assert.equal(sends, 2)
})
