import {
  type Address,
  bothPartiesAbi,
  bothPartiesBytecode,
  escrowAbi,
  escrowFactoryAbi,
  escrowFactoryBytecode
} from '@fusion-prime/chain'
import { encodeDeployData, encodeFunctionData, getContractAddress, type Hex } from 'viem'
import { pick, type Random } from '../../../e2e/crash-script.ts'
import { type LocalChain, startChain } from '../../../shared/local/src/chain.ts'
import { ask, hex, JsonRpcError } from './json-rpc.ts'
import { createTruth, type Truth } from './truth.ts'

/** A factory that is watched, one that isn't, and a contract that is payer and payee in one. */
type Contracts = { factory: Address; stranger: Address; both: Address }

/** Mines a chain block by block, so that nothing is dropped before the truth has seen it. */
export type Driver = {
  readonly rpcUrl: string
  readonly contracts: Contracts
  readonly truth: Truth
  /** So many blocks, with up to four transactions of escrows in each. */
  play(blocks: number): Promise<void>
  /** So many blocks without any. */
  quiet(blocks: number): Promise<void>
  /** Drops the last blocks; others, and one more, take their place. */
  reorg(depth: number): Promise<void>
  /** What the node has now is the canonical branch. */
  observe(): Promise<void>
  stop(): Promise<void>
}

type Transaction = { from: Address; to?: Address; data: Hex; value?: Hex }
/** Enough for each; without it the node would refuse what is going to fail, and failing transactions belong to life. */
const GAS = hex(3_000_000)
const MOST_PER_BLOCK = 4

/** A fresh chain with the contracts in its first block. */
export async function startDriver({ random, stateFile }: { random: Random; stateFile?: string }): Promise<Driver> {
  const chain = await startChain({ blockTime: 'manual', ...(stateFile && { stateFile }) })
  const [from] = chain.accounts
  if (!from) throw new Error('the chain has no accounts')
  const deployFactory = encodeDeployData({ abi: escrowFactoryAbi, bytecode: escrowFactoryBytecode, args: [0n] })
  const both = encodeDeployData({ abi: bothPartiesAbi, bytecode: bothPartiesBytecode })
  for (const data of [deployFactory, deployFactory, both]) await send(chain.rpcUrl, { from, data })
  await ask(chain.rpcUrl, 'evm_mine')
  // Lower case changes nothing of an address' form.
  const nth = (nonce: bigint) => getContractAddress({ from, nonce }).toLowerCase() as Address
  const contracts = { factory: nth(0n), stranger: nth(1n), both: nth(2n) }
  const truth = createTruth({ chainId: chain.chainId, factories: [contracts.factory] })
  return drive({ chain, contracts, truth, random })
}

/** Another node with the state of a driver's one, as its file has it; from there on they differ. The truth is of both. */
export async function forkDriver(
  { truth, contracts }: Driver,
  { random, stateFile }: { random: Random; stateFile: string }
): Promise<Driver> {
  const chain = await startChain({ blockTime: 'manual', stateFile })
  return drive({ chain, contracts, truth, random })
}

type Drive = { chain: LocalChain; contracts: Contracts; truth: Truth; random: Random }

async function drive({ chain, contracts, truth, random }: Drive): Promise<Driver> {
  const { rpcUrl, accounts } = chain
  const observe = () => truth.observe(rpcUrl)

  /** Things that may happen in one block; some of them are refused, as in life. */
  function happenings(): Transaction[] {
    const { factory, stranger, both } = contracts
    const escrows = truth.escrows()
    const [payer, other] = [pick(accounts.slice(0, 5), random), pick(accounts.slice(5), random)]
    const arbiter = pick(accounts.slice(5), random)
    const next = getContractAddress({ from: factory, nonce: BigInt(escrows.length + 1) })
    const approvals = 1 + Math.floor(random() * 3)
    const create = (to: Address): Transaction => ({
      from: payer,
      to,
      data: encodeFunctionData({
        abi: escrowFactoryAbi,
        functionName: 'createEscrow',
        args: [other, 0n, approvals, arbiter]
      }),
      value: hex(1 + Math.floor(random() * 1e9))
    })
    const act = (functionName: 'approve' | 'release' | 'refund', to: string, from: Address): Transaction => ({
      from,
      to: to as Address, // an address of the truth
      data: encodeFunctionData({ abi: escrowAbi, functionName })
    })
    const kind = random()
    if (kind < 0.2 || escrows.length === 0) return [create(factory)]
    if (kind < 0.35) return [create(factory), act('approve', next, payer)]
    if (kind < 0.4) return [create(stranger)]
    if (kind < 0.48) {
      const made = encodeFunctionData({ abi: bothPartiesAbi, functionName: 'create', args: [factory, 0n] })
      const approved = encodeFunctionData({ abi: bothPartiesAbi, functionName: 'approveBoth', args: [next] })
      return [
        { from: payer, to: both, data: made, value: hex(3) },
        { from: payer, to: both, data: approved }
      ]
    }
    const escrow = pick(escrows.slice(-12), random)
    const body = truth.canonical().find(fact => fact.escrow === escrow)?.body
    // Accounts of the chain, or of a contract that can't send: then the next one does.
    const party = (name: string) => accounts.find(account => account === body?.[name]) ?? payer
    if (kind < 0.75) return [act('approve', escrow, party(pick(['payer', 'payee', 'arbiter'], random)))]
    if (kind < 0.88) return [act('release', escrow, payer)]
    if (kind < 0.94) return [act('refund', escrow, party('payer'))]
    const data = encodeFunctionData({ abi: escrowAbi, functionName: 'changeArbiter', args: [payer] })
    return [{ from: party('arbiter'), to: escrow as Address, data }] // an address of the truth
  }

  const inOneBlock = () => Array.from({ length: Math.floor(random() * (MOST_PER_BLOCK + 1)) }, happenings).flat()

  async function play(blocks: number): Promise<void> {
    for (let count = 0; count < blocks; count++) {
      for (const one of inOneBlock()) await send(rpcUrl, one)
      await ask(rpcUrl, 'evm_mine')
      await observe()
    }
  }

  await observe()
  return {
    rpcUrl,
    contracts,
    truth,
    play,
    observe,
    async quiet(blocks) {
      await ask(rpcUrl, 'anvil_mine', [hex(blocks)])
      await observe()
    },
    async reorg(depth) {
      const others = Array.from({ length: depth }, (_, offset) =>
        inOneBlock().map(one => [{ ...one, gas: GAS }, offset])
      )
      await ask(rpcUrl, 'anvil_reorg', [depth, random() < 0.3 ? [] : others.flat()])
      await observe()
      await play(1)
    },
    stop: chain.stop
  }
}

/** What the node refuses doesn't happen: now and then it takes a nonce for used that isn't. */
async function send(url: string, transaction: Transaction): Promise<void> {
  try {
    await ask(url, 'eth_sendTransaction', [{ ...transaction, gas: GAS }])
  } catch (error) {
    if (!(error instanceof JsonRpcError)) throw error
  }
}
