import { type Address, bothPartiesAbi, bothPartiesBytecode, decodeLog } from '@fusion-prime/chain'
import { createPublicClient, createWalletClient, encodeDeployData, encodeFunctionData, type Hex, http } from 'viem'

export type BothParties = {
  create(options: { factory: Address; amount: bigint }): Promise<Address>
  approveBoth(escrow: Address): Promise<void>
}

/** A test contract that is an escrow's payer and, through another one, its payee; `from` is an account that the node signs for. */
export async function deployBothParties({ rpcUrl, from }: { rpcUrl: string; from: Address }): Promise<BothParties> {
  const transport = http(rpcUrl)
  const reader = createPublicClient({ transport, pollingInterval: 200 })
  const wallet = createWalletClient({ transport, account: from })

  async function send(call: { to?: Address; data: Hex; value?: bigint }) {
    const receipt = await reader.waitForTransactionReceipt({
      hash: await wallet.sendTransaction({ chain: null, ...call })
    })
    if (receipt.status !== 'success') throw new Error(`transaction ${receipt.transactionHash} was refused`)
    return receipt
  }

  const deployed = await send({ data: encodeDeployData({ abi: bothPartiesAbi, bytecode: bothPartiesBytecode }) })
  const to = deployed.contractAddress
  if (!to) throw new Error(`${deployed.transactionHash} deployed nothing`)
  return {
    async create({ factory, amount }) {
      const data = encodeFunctionData({ abi: bothPartiesAbi, functionName: 'create', args: [factory, 0n] })
      const { logs, transactionHash } = await send({ to, data, value: amount })
      for (const log of logs) {
        const decoded = decodeLog(log)
        if (decoded.kind === 'event' && decoded.event === 'EscrowDeployed') return decoded.args.escrow
      }
      throw new Error(`${transactionHash} deployed no escrow`)
    },
    async approveBoth(escrow) {
      await send({ to, data: encodeFunctionData({ abi: bothPartiesAbi, functionName: 'approveBoth', args: [escrow] }) })
    }
  }
}
