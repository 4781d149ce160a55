import { type Address, bothPartiesAbi, bothPartiesBytecode, deployedIn, type EscrowClient } from '@fusion-prime/chain'
import { encodeDeployData, encodeFunctionData } from 'viem'

export type BothParties = {
  create(options: { factory: Address; amount: bigint }): Promise<Address>
  approveBoth(escrow: Address): Promise<void>
}

/** A test contract that is an escrow's payer and, through another one, its payee. */
export async function deployBothParties(client: EscrowClient, from: Address): Promise<BothParties> {
  const deployed = await client.transact({
    from,
    data: encodeDeployData({ abi: bothPartiesAbi, bytecode: bothPartiesBytecode })
  })
  const to = deployed.contractAddress
  if (!to) throw new Error(`${deployed.transactionHash} deployed nothing`)
  return {
    async create({ factory, amount }) {
      const data = encodeFunctionData({ abi: bothPartiesAbi, functionName: 'create', args: [factory, 0n] })
      return deployedIn(await client.transact({ from, to, data, value: amount }))
    },
    async approveBoth(escrow) {
      await client.transact({
        from,
        to,
        data: encodeFunctionData({ abi: bothPartiesAbi, functionName: 'approveBoth', args: [escrow] })
      })
    }
  }
}
