import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createEscrowClient } from '@fusion-prime/chain'
import { createPublicClient, createTestClient, http } from 'viem'
import { startChain } from './chain.ts'
import { until } from './testing/wait.ts'

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const clientOf = (rpcUrl: string) => createPublicClient({ transport: http(rpcUrl), cacheTime: 0 })

test('blocks come by themselves; safe is 4 blocks behind the head, finalized 8', async () => {
  const chain = await startChain({ accounts: 4 })
  try {
    assert.equal(chain.accounts.length, 4)
    for (const account of chain.accounts) assert.match(account, /^0x[0-9a-f]{40}$/)
    const client = clientOf(chain.rpcUrl)
    assert.equal(await client.getChainId(), chain.chainId)
    await until('two blocks', async () => (await client.getBlockNumber()) >= 2n)
    await createTestClient({ mode: 'anvil', transport: http(chain.rpcUrl) }).mine({ blocks: 20 })
    const depths = async () => {
      const tags = ['latest', 'safe', 'finalized'] as const
      const blocks = await Promise.all(tags.map(blockTag => client.getBlock({ blockTag })))
      return blocks.map(block => (blocks[0]?.number ?? 0n) - block.number)
    }
    // A block may come between the three questions.
    await until('the depths of the tags', async () => String(await depths()) === '0,4,8')
  } finally {
    await chain.stop()
  }
  assert.equal(isAlive(chain.pid), false)
  await chain.stop()
})

test('two chains side by side have ports of their own', async () => {
  const chains = await Promise.all([startChain({ blockTime: 'manual' }), startChain({ blockTime: 'manual' })])
  await Promise.all(chains.map(chain => chain.stop()))
  assert.notEqual(chains[0].rpcUrl, chains[1].rpcUrl)
})

test('a port that is taken is an error with the reason of the node', async () => {
  const first = await startChain({ blockTime: 'manual' })
  try {
    const port = Number(new URL(first.rpcUrl).port)
    await assert.rejects(startChain({ port }), /anvil ended with code \d+; its last lines:\n.*in use/is)
  } finally {
    await first.stop()
  }
})

test('a chain with a state file goes on after kill -9 with the same blocks, balances and logs', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fusion-prime-chain-'))
  const stateFile = join(folder, 'chain.json')
  try {
    const before = await startChain({ stateFile })
    const [payer, payee] = before.accounts
    assert.ok(payer && payee)
    const client = createEscrowClient(before)
    const { factory } = await client.deployFactory({ from: payer, refundDelay: 0n })
    const { escrow, blockNumber } = await client.createEscrow({ from: payer, factory, payee, amount: 7n })
    const logs = await clientOf(before.rpcUrl).getLogs({ fromBlock: 0n })
    assert.equal(logs.length, 1)
    // The state is written each second: what is older than two blocks is on disk.
    await until('three more blocks', async () => (await clientOf(before.rpcUrl).getBlockNumber()) >= blockNumber + 3n)
    process.kill(before.pid, 'SIGKILL')
    await before.stop()

    const after = await startChain({ stateFile })
    try {
      assert.deepEqual(await clientOf(after.rpcUrl).getLogs({ fromBlock: 0n }), logs)
      const block = await clientOf(after.rpcUrl).getBlock({ blockNumber })
      assert.equal(block.hash, logs[0]?.blockHash)
      assert.equal(await clientOf(after.rpcUrl).getBalance({ address: escrow }), 7n)
      assert.equal((await createEscrowClient(after).readEscrow(escrow)).payee, payee)
    } finally {
      await after.stop()
    }
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('the chain ends with a process that is killed with -9', { skip: process.platform === 'win32' }, async () => {
  const script = `
    import { startChain } from ${JSON.stringify(import.meta.resolve('./chain.ts'))}
    const chain = await startChain({ blockTime: 'manual' })
    process.stdout.write(String(chain.pid))`
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const [pid] = await once(parent.stdout, 'data')
  assert.ok(isAlive(Number(pid)))
  parent.kill('SIGKILL')
  await until('the end of the chain', () => !isAlive(Number(pid)))
})
