import assert from 'node:assert/strict'
import {
  type Abi,
  createPublicClient,
  createTestClient,
  createWalletClient,
  encodeDeployData,
  http,
  zeroAddress
} from 'viem'
import { startChain } from '../../local/src/chain.ts'
import { type Address, createEscrowClient, type Hash, type Hex } from './index.ts'

export const REFUND_DELAY = 1_000n
export const AMOUNT = 10n ** 18n

export type Role = 'payer' | 'payee' | 'arbiter' | 'successor' | 'stranger' | 'nobody'
export type Fixture = Awaited<ReturnType<typeof createFixture>>

/** For tests: a chain of its own that mines each transaction at once, a factory, and a person per role. */
export async function createFixture() {
  const chain = await startChain({ blockTime: 'per-transaction' })
  const client = createEscrowClient({ rpcUrl: chain.rpcUrl, chainId: chain.chainId })
  const connection = { transport: http(chain.rpcUrl), pollingInterval: 20 }
  const reader = createPublicClient({ ...connection, cacheTime: 0 })
  const wallet = createWalletClient(connection)
  const clock = createTestClient({ ...connection, mode: 'anvil' })
  const [payer, payee, arbiter, successor, stranger] = chain.accounts
  assert.ok(payer && payee && arbiter && successor && stranger)
  const roles: Record<Role, Address> = { payer, payee, arbiter, successor, stranger, nobody: zeroAddress }
  const { factory } = await client.deployFactory({ from: payer, refundDelay: REFUND_DELAY })

  /** Sends as the payer, without asking first whether it would go through. */
  async function send({ to = null, ...call }: { to?: Address | null; data?: Hex; value?: bigint }) {
    const hash = await wallet.sendTransaction({ account: roles.payer, chain: null, gas: 5_000_000n, to, ...call })
    return reader.waitForTransactionReceipt({ hash })
  }

  async function deploy(abi: Abi, bytecode: Hex, args: unknown[] = []): Promise<Address> {
    const { contractAddress, status } = await send({ data: encodeDeployData({ abi, bytecode, args }) })
    assert.ok(contractAddress && status === 'success')
    return contractAddress
  }

  const logsOf = async (hash: Hash) => (await reader.getTransactionReceipt({ hash })).logs
  /** The time of the next block, in seconds after an escrow's release time. */
  async function setTime(escrow: Address, afterRelease: bigint): Promise<void> {
    const { releaseTime } = await client.readEscrow(escrow)
    await clock.setNextBlockTimestamp({ timestamp: releaseTime + afterRelease })
  }
  return { chain, client, reader, clock, roles, factory, send, deploy, logsOf, setTime }
}
