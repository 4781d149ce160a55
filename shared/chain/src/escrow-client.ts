import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Account,
  type Address,
  type Chain,
  createPublicClient,
  createWalletClient,
  defineChain,
  encodeDeployData,
  encodeFunctionData,
  type Hash,
  type Hex,
  http,
  TransactionNotFoundError,
  type TransactionReceipt,
  TransactionReceiptNotFoundError,
  zeroAddress
} from 'viem'
import { escrowAbi } from './abi/escrow.ts'
import { escrowFactoryAbi, escrowFactoryBytecode } from './abi/escrow-factory.ts'
import { findChain } from './chains.ts'
import { decodeLog } from './decode.ts'
import { EscrowError, explainError } from './escrow-errors.ts'
import { type EscrowState, lowerCase, readEscrow } from './escrow-state.ts'

const RECEIPT_TIMEOUT_MS = 120_000
/** Polls, five to a block: a transaction that the node hasn't known for so long is sent again. */
const FORGOTTEN_AFTER_POLLS = 10

/** Who sends: an address that the node signs for (a local chain's accounts), or an account with its own key (`privateKeyToAccount`). */
export type Sender = Address | Account

export type Sent = { transactionHash: Hash; blockNumber: bigint }

export type NewEscrow = {
  from: Sender
  factory: Address
  payee: Address
  /** Wei. */
  amount: bigint
  /** Seconds; 0 by default. */
  releaseDelay?: bigint
  /** 1 by default: the payer's. */
  approvalsRequired?: 1 | 2 | 3
  /** None by default. */
  arbiter?: Address
}

export type EscrowAction = { from: Sender; escrow: Address }

/** Every action resolves when it's mined; it throws EscrowError, with the contract's reason, when that refuses. */
export type EscrowClient = {
  /** The addresses that the node signs for, lower-case: a local chain's accounts, on any other chain usually none. */
  accounts(): Promise<Address[]>
  deployFactory(options: { from: Sender; refundDelay: bigint }): Promise<Sent & { factory: Address }>
  createEscrow(options: NewEscrow): Promise<Sent & { escrow: Address }>
  approve(options: EscrowAction): Promise<Sent>
  release(options: EscrowAction): Promise<Sent>
  refund(options: EscrowAction): Promise<Sent>
  changeArbiter(options: EscrowAction & { arbiter: Address }): Promise<Sent>
  readEscrow(escrow: Address): Promise<EscrowState>
  /** Any other call, until it's mined. */
  transact(call: Call): Promise<TransactionReceipt>
}

export type Call = { from: Sender; to?: Address; data: Hex; value?: bigint }

/** A client for one chain. With `chainId` it refuses to send to any other, also if the URL leads there. */
export function createEscrowClient({ rpcUrl, chainId }: { rpcUrl: string; chainId?: number }): EscrowClient {
  const chain = chainId === undefined ? undefined : describeChain(chainId, rpcUrl)
  const blockTimeSeconds = findChain(chainId ?? 0)?.blockTimeSeconds ?? 1
  const transport = http(rpcUrl, { batch: true })
  const pollingInterval = blockTimeSeconds * 200
  const reader = createPublicClient({ ...(chain && { chain }), transport, pollingInterval })
  const wallet = createWalletClient({ transport })
  const inTurn = createTurns()
  /** Sender and nonce of what isn't mined yet. */
  const unmined = new Set<string>()

  async function send({ from: account, ...call }: Call): Promise<TransactionReceipt> {
    try {
      if (call.to) await requireCode(call.to)
      // As the next block would see it: the node's own refusal has the reason, a mined one doesn't.
      await reader.call({ account, ...call, blockTag: 'pending' })
      const receipt = await mine({ account, ...call })
      if (receipt.status === 'success') return receipt
      // Another transaction came between; after its block the reason is the same.
      await reader.call({ account, ...call, blockNumber: receipt.blockNumber })
      throw new EscrowError('Reverted', `transaction ${receipt.transactionHash} was mined but refused: try again`)
    } catch (error) {
      throw explainError(error)
    }
  }

  async function mine(call: Omit<Call, 'from'> & { account: Sender }): Promise<TransactionReceipt> {
    const address = typeof call.account === 'string' ? call.account : call.account.address
    const key = (nonce: number) => `${address.toLowerCase()} ${nonce}`
    const { hash, nonce } = await inTurn(async () => {
      let nonce = await reader.getTransactionCount({ address, blockTag: 'pending' })
      while (unmined.has(key(nonce))) nonce += 1 // the node doesn't count what it has forgotten
      const hash = await wallet.sendTransaction({ chain: chain ?? null, ...call, nonce })
      unmined.add(key(nonce))
      return { hash, nonce }
    })
    return untilMined(call, { hash, nonce }).finally(() => unmined.delete(key(nonce)))
  }

  /**
   * Waits until a transaction with this nonce is mined. A node that mines just now may take a transaction and forget it; one that it
   * doesn't know any more is sent again with the same nonce, so that at most one of them is ever mined. A node that refuses it then may
   * only have hidden the first one: who is told of a failure and acts again would pay twice.
   */
  async function untilMined(
    call: Omit<Call, 'from'> & { account: Sender },
    { hash, nonce }: { hash: Hash; nonce: number }
  ): Promise<TransactionReceipt> {
    const deadline = Date.now() + RECEIPT_TIMEOUT_MS
    const hashes = [hash]
    let cause: unknown
    for (let unknownFor = 0; Date.now() < deadline; await sleep(pollingInterval)) {
      for (const sent of hashes) {
        const receipt = await reader.getTransactionReceipt({ hash: sent }).catch(ignoreNotFound)
        if (receipt) return receipt
      }
      const known = await Promise.all(hashes.map(sent => reader.getTransaction({ hash: sent }).catch(ignoreNotFound)))
      unknownFor = known.some(Boolean) ? 0 : unknownFor + 1
      if (unknownFor < FORGOTTEN_AFTER_POLLS) continue
      unknownFor = 0
      try {
        hashes.push(await inTurn(() => wallet.sendTransaction({ chain: chain ?? null, ...call, nonce })))
      } catch (error) {
        cause = error
      }
    }
    const text = `transaction ${hash} was not mined within ${RECEIPT_TIMEOUT_MS / 1000} s`
    throw new EscrowError('NotMined', `${text}, but still may be: look for it before you try again`, { cause })
  }

  async function requireCode(address: Address): Promise<void> {
    const code = await reader.getCode({ address })
    if (!code) throw new EscrowError('NoContract', `there is no contract at ${address} on the chain of ${rpcUrl}`)
  }

  const act = async ({ from, escrow }: EscrowAction, data: Hex) => sentOf(await send({ from, to: escrow, data }))

  return {
    accounts: async () => (await wallet.getAddresses()).map(lowerCase),
    async deployFactory({ from, refundDelay }) {
      const data = encodeDeployData({ abi: escrowFactoryAbi, bytecode: escrowFactoryBytecode, args: [refundDelay] })
      const receipt = await send({ from, data })
      if (!receipt.contractAddress) throw new EscrowError('NoContract', `${receipt.transactionHash} deployed nothing`)
      return { factory: lowerCase(receipt.contractAddress), ...sentOf(receipt) }
    },
    async createEscrow({
      from,
      factory,
      payee,
      amount,
      releaseDelay = 0n,
      approvalsRequired = 1,
      arbiter = zeroAddress
    }) {
      const args = [payee, releaseDelay, approvalsRequired, arbiter] as const
      const data = encodeFunctionData({ abi: escrowFactoryAbi, functionName: 'createEscrow', args })
      const receipt = await send({ from, to: factory, data, value: amount })
      return { escrow: deployedIn(receipt), ...sentOf(receipt) }
    },
    approve: action => act(action, encodeFunctionData({ abi: escrowAbi, functionName: 'approve' })),
    release: action => act(action, encodeFunctionData({ abi: escrowAbi, functionName: 'release' })),
    refund: action => act(action, encodeFunctionData({ abi: escrowAbi, functionName: 'refund' })),
    changeArbiter: ({ arbiter, ...action }) =>
      act(action, encodeFunctionData({ abi: escrowAbi, functionName: 'changeArbiter', args: [arbiter] })),
    transact: send,
    async readEscrow(address) {
      await requireCode(address)
      return readEscrow(reader, address)
    }
  }
}

/** Runs one after the other. Two sends at once would be given the same nonce, by a node as by the library. */
function createTurns() {
  let last: Promise<unknown> = Promise.resolve()
  return <Result>(work: () => Promise<Result>): Promise<Result> => {
    const turn = last.then(work)
    last = turn.catch(() => undefined)
    return turn
  }
}

function ignoreNotFound(error: unknown): undefined {
  if (error instanceof TransactionReceiptNotFoundError || error instanceof TransactionNotFoundError) return undefined
  throw error
}

const sentOf = ({ transactionHash, blockNumber }: TransactionReceipt): Sent => ({ transactionHash, blockNumber })

/** The escrow that a transaction deployed. */
export function deployedIn({ logs, transactionHash }: TransactionReceipt): Address {
  for (const log of logs) {
    const decoded = decodeLog(log)
    if (decoded.kind === 'event' && decoded.event === 'EscrowDeployed') return decoded.args.escrow
  }
  throw new EscrowError('NoContract', `${transactionHash} has no EscrowDeployed: is that address an escrow factory?`)
}

function describeChain(id: number, rpcUrl: string): Chain {
  const name = findChain(id)?.name ?? `chain ${id}`
  const nativeCurrency = { name: 'Ether', symbol: 'ETH', decimals: 18 }
  return defineChain({ id, name, nativeCurrency, rpcUrls: { default: { http: [rpcUrl] } } })
}
