import { createHash } from 'node:crypto'
import { escrowAbi, escrowFactoryAbi } from '@fusion-prime/chain'
import { createPublicClient, decodeEventLog, type Hash, http, type RpcTransactionReceipt, zeroAddress } from 'viem'

/** A log that has to be told, with its body less what differs per message. */
export type TrueFact = {
  fact_id: string
  /** `<chain_id>:<block_hash>:<transaction_hash>:<log_index>` */
  place: string
  block: { number: number; hash: string }
  log_index: number
  escrow: string
  body: Readonly<Record<string, unknown>>
}

type TrueBlock = { number: number; hash: string; parent: string; facts: TrueFact[] }

/** The numbers of the last blocks that have reached these levels; −1 for none. */
export type Levels = { safe: number; finalized: number }

/** The whole history of a chain, dropped branches included, read from receipts without any part of the relayer. */
export type Truth = {
  readonly chainId: number
  /** Reads what is new of a node; its branch is the canonical one from now on. To be called before and after each reorg. */
  observe(rpcUrl: string): Promise<void>
  /** Every fact that any branch ever had, by id. */
  readonly facts: ReadonlyMap<string, TrueFact>
  /** Blocks of the canonical branch by number. */
  readonly chain: readonly string[]
  /** The newest safe and finalized blocks by the node's tags. */
  readonly levels: Levels
  /** Facts of the canonical branch, in chain order. */
  canonical(): TrueFact[]
  /** Escrow addresses of the canonical branch, oldest first. */
  escrows(): string[]
}

/** UUID version 8 over a text, as WIRE §2 describes it. */
export function idOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex')
  const variant = '89ab'[Number.parseInt(hex.charAt(16), 16) % 4]
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32)
  ].join('-')
}

export function createTruth({
  chainId,
  factories
}: {
  chainId: number
  /** Lower case; a list that may grow until the first block is observed. */
  factories: readonly string[]
}): Truth {
  const blocks = new Map<string, TrueBlock>()
  const facts = new Map<string, TrueFact>()
  const factoryOf = new Map<string, string>()
  let chain: string[] = []
  let levels: Levels = { safe: -1, finalized: -1 }

  async function observe(rpcUrl: string): Promise<void> {
    const client = createPublicClient({ transport: http(rpcUrl, { retryCount: 0 }) })
    const fresh: { number: number; hash: Hash; parent: Hash; timestamp: number }[] = []
    const head = await client.getBlock({ blockTag: 'latest' })
    const branch: string[] = []
    for (let { hash, number, parentHash: parent, timestamp } = head; ; ) {
      branch[Number(number)] = hash
      if (!blocks.has(hash)) fresh.push({ number: Number(number), hash, parent, timestamp: Number(timestamp) })
      if (number === 0n) break
      const known = blocks.get(parent)
      if (known && chain[known.number] === parent) {
        for (const [index, one] of chain.slice(0, known.number + 1).entries()) branch[index] = one
        break
      }
      ;({ hash, number, parentHash: parent, timestamp } = await client.getBlock({ blockHash: parent }))
    }
    for (const { timestamp, ...block } of fresh.reverse()) {
      // The node's own answer; viem has no action for this method.
      const request = { method: 'eth_getBlockReceipts', params: [block.hash] } as never
      const receipts = (await client.request(request)) as RpcTransactionReceipt[]
      blocks.set(block.hash, { ...block, facts: factsOf(receipts, { ...block, timestamp }) })
    }
    chain = branch
    const [safe, finalized] = await Promise.all([
      client.getBlock({ blockTag: 'safe' }),
      client.getBlock({ blockTag: 'finalized' })
    ])
    levels = { safe: Number(safe.number), finalized: Number(finalized.number) }
  }

  function factsOf(receipts: RpcTransactionReceipt[], block: { number: number; hash: Hash; timestamp: number }) {
    const found: TrueFact[] = []
    for (const log of receipts.flatMap(receipt => receipt.logs)) {
      const details = read(log.address.toLowerCase(), log)
      if (!details) continue
      const { factory, escrow, ...rest } = details
      const log_index = Number(log.logIndex)
      const place = `${chainId}:${block.hash}:${log.transactionHash}:${log_index}`
      const body = {
        ...rest,
        fact_id: idOf(place),
        schema_version: 1,
        chain_id: chainId,
        block_number: block.number,
        block_hash: block.hash,
        block_timestamp: new Date(block.timestamp * 1000).toISOString().replace('.000', ''),
        transaction_hash: log.transactionHash,
        log_index,
        factory_address: factory,
        escrow_address: escrow
      }
      const fact = { fact_id: body.fact_id, place, block, log_index, escrow, body }
      facts.set(fact.fact_id, fact)
      found.push(fact)
    }
    return found
  }

  function read(address: string, log: RpcTransactionReceipt['logs'][number]) {
    const isFactory = factories.includes(address)
    const factory = isFactory ? address : factoryOf.get(address)
    if (!factory) return undefined
    const abi = isFactory ? escrowFactoryAbi : escrowAbi
    const { eventName: event_type, args } = decodeEventLog({ abi: [...abi], topics: log.topics, data: log.data })
    const escrow = event_type === 'EscrowDeployed' ? args.escrow.toLowerCase() : address
    if (event_type === 'EscrowDeployed') factoryOf.set(escrow, address)
    return { event_type, factory, escrow, ...argumentsOf({ event_type, args: { ...args } }) }
  }

  const canonical = () => chain.flatMap(hash => blocks.get(hash)?.facts ?? [])
  return {
    chainId,
    observe,
    facts,
    get chain() {
      return chain
    },
    get levels() {
      return levels
    },
    canonical,
    escrows: () => canonical().flatMap(({ body, escrow }) => (body.event_type === 'EscrowDeployed' ? [escrow] : []))
  }
}

/** The event's own fields, as they travel. */
function argumentsOf({ event_type, args }: { event_type: string; args: Record<string, unknown> }) {
  const lower = (name: string) => String(args[name]).toLowerCase()
  switch (event_type) {
    case 'EscrowDeployed':
      return {
        payer: lower('payer'),
        payee: lower('payee'),
        arbiter: args.arbiter === zeroAddress ? null : lower('arbiter'),
        amount: String(args.amount),
        asset_symbol: 'ETH',
        release_delay: String(args.releaseDelay),
        approvals_required: args.approvalsRequired
      }
    case 'ApprovalGranted':
      return { approver: lower('approver') }
    case 'EscrowReleased':
      return { payee: lower('payee'), amount: String(args.amount) }
    case 'EscrowRefunded':
      return { payer: lower('payer'), amount: String(args.amount) }
    case 'ArbiterChanged':
      return { old_arbiter: lower('oldArbiter'), new_arbiter: lower('newArbiter') }
    default:
      throw new Error(`an event that nobody has told the truth of: ${event_type}`)
  }
}
