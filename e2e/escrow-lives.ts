import { type Address, createEscrowClient } from '@fusion-prime/chain'
import { until } from '@fusion-prime/local/testing/wait.ts'
import { lives } from '../shared/local/src/demo/lives.ts'
import type { Stack } from '../shared/local/src/stack.ts'
import { withSql } from './final-state.ts'

const BLOCK_MS = 400

/** Takes escrows through every kind of life, that often, until all is final and published; answers their addresses. */
export async function liveThrough(stack: Stack, { rounds }: { rounds: number }): Promise<Address[]> {
  const { chain, factory } = stack
  const client = createEscrowClient({ rpcUrl: chain.rpcUrl, chainId: chain.chainId })
  const [payee, arbiter, secondArbiter, sanctioned] = chain.accounts.slice(5)
  if (!payee || !arbiter || !secondArbiter || !sanctioned) throw new Error('the lives need nine accounts')
  const payers = chain.accounts.slice(0, 5)
  const cast = { payers, payee, arbiter, secondArbiter, sanctioned }
  const born: Address[] = []
  await Promise.all(
    Array.from({ length: rounds }, () => lives)
      .flat()
      .map(({ run }, index) => {
        const payer = payers[index % payers.length] ?? payee
        return run({ client, factory, cast, payer, born: escrow => void born.push(escrow) })
      })
  )
  // More blocks than the chain makes by itself, so that all is final sooner.
  const mining = setInterval(() => mine(chain.rpcUrl).catch(() => undefined), BLOCK_MS)
  try {
    const last = await blockNumber(chain.rpcUrl)
    await until(`what happened up to block ${last} to be final and published`, () => isRelayed(stack, last))
  } finally {
    clearInterval(mining)
  }
  await stack.broker.idle()
  return born
}

/** No further block: what the relayer has is all that there is, and doesn't grow. Resolves when all of it is published. */
export async function standStill(stack: Stack): Promise<void> {
  const { chain, file } = stack
  await rpc(chain.rpcUrl, 'evm_setIntervalMining', [0])
  const final = await finalNumber(chain.rpcUrl)
  const isTold = () =>
    withSql(file.databases.relayer_db, async sql => {
      const [row] = await sql<{ told: boolean }[]>`
        select exists (select from manifests where to_block >= ${final})
          and not exists (select from outbox where published_at is null) as told`
      return row?.told ?? false
    })
  await until(`the relayer to tell that blocks up to ${final} are final`, isTold)
  await stack.broker.idle()
}

const isRelayed = ({ file }: Stack, block: number): Promise<boolean> =>
  withSql(file.databases.relayer_db, async sql => {
    const [row] = await sql<{ relayed: boolean }[]>`
      select exists (select from checkpoints where block_number >= ${block})
        and not exists (select from facts where finality <> 'finalized')
        and not exists (select from outbox where published_at is null) as relayed`
    return row?.relayed ?? false
  })

async function rpc(url: string, method: string, params: readonly unknown[] = []): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  const { result } = (await answer.json()) as { result: unknown } // JSON-RPC's answer; the node is our own
  return result
}

/** Adds blocks at once. */
export const mine = (url: string, blocks = 1): Promise<unknown> => rpc(url, 'anvil_mine', [blocks])
const blockNumber = async (url: string): Promise<number> => Number(await rpc(url, 'eth_blockNumber'))

async function finalNumber(url: string): Promise<number> {
  const block = (await rpc(url, 'eth_getBlockByNumber', ['finalized', false])) as { number: string } // the tag names a block always
  return Number(block.number)
}
