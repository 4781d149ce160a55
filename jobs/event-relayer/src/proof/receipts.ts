import { type Format, hexToNumber } from './hex.ts'
import type { RlpWriter } from './rlp.ts'
import { listRoot } from './trie.ts'

/** A log as JSON-RPC gives it, in hex. Receipts prove address, topics, data and order, but no transaction's hash. */
export type RpcLog = {
  address: string
  topics: readonly string[]
  data: string
  blockNumber: string
  blockHash: string
  transactionHash: string
  transactionIndex: string
  logIndex: string
  removed?: boolean
}

/** An element of an `eth_getBlockReceipts` answer, in hex. A receipt has a status, or, before Byzantium, a root. */
export type RpcReceipt = {
  type?: string | null
  status?: string | null
  root?: string | null
  cumulativeGasUsed: string
  logsBloom: string
  logs: readonly RpcLog[]
  blockNumber: string
  blockHash: string
  transactionHash: string
  transactionIndex: string
  /** Of a deposit on an OP Stack chain, from Regolith and Canyon on. */
  depositNonce?: string | null
  depositReceiptVersion?: string | null
}

const receiptFields = {
  type: { name: 'type' },
  root: { name: 'root', bytes: 32 },
  cumulativeGasUsed: { name: 'cumulativeGasUsed' },
  logsBloom: { name: 'logsBloom', bytes: 256 },
  transactionIndex: { name: 'transactionIndex' },
  status: { name: 'status' },
  depositNonce: { name: 'depositNonce' },
  depositReceiptVersion: { name: 'depositReceiptVersion' }
} as const satisfies Record<string, Format>

const logFields = {
  address: { name: "a log's address", bytes: 20 },
  topic: { name: "a log's topic", bytes: 32 },
  data: { name: "a log's data" }
} as const satisfies Record<string, Format>

/** https://specs.optimism.io/protocol/deposits.html#deposit-receipt */
const deposit = 0x7e

/**
 * The `receiptsRoot` of the block that has these receipts and no others; their order doesn't matter. Types 0 to 4, the OP Stack's
 * deposits, and receipts from before Byzantium. Throws on another type, on fields that don't fit, and on a doubled or missing index.
 */
export function receiptsRoot(receipts: readonly RpcReceipt[]): string {
  const ordered = inChainOrder(receipts)
  return listRoot(ordered.length, (writer, index) => {
    try {
      // Every index is taken: inChainOrder saw to it.
      writeReceipt(writer, ordered[index] as RpcReceipt)
    } catch (cause) {
      throw new Error(`receipt ${index} of ${ordered.length}: ${cause instanceof Error ? cause.message : cause}`, {
        cause
      })
    }
  })
}

/** The logs in chain order, of receipts whose root is proven. Their places are the receipts'; what a log itself says of its place isn't read. */
export function logsOfReceipts(receipts: readonly RpcReceipt[]): RpcLog[] {
  return inChainOrder(receipts)
    .flatMap(({ logs, blockNumber, blockHash, transactionHash, transactionIndex }) => {
      const place = { blockNumber, blockHash, transactionHash, transactionIndex }
      return logs.map(({ address, topics, data }) => ({ address, topics, data, ...place }))
    })
    .map((log, index) => ({ ...log, logIndex: `0x${index.toString(16)}`, removed: false }))
}

function inChainOrder(receipts: readonly RpcReceipt[]): RpcReceipt[] {
  if (!Array.isArray(receipts)) throw new Error(`receipts must be a list, and are ${typeof receipts}`)
  const ordered = new Array<RpcReceipt | undefined>(receipts.length)
  for (const receipt of receipts) {
    const index = hexToNumber(receipt?.transactionIndex, receiptFields.transactionIndex)
    if (index >= ordered.length)
      throw new Error(`transactionIndex ${index} in a block of ${ordered.length} receipts: some are missing`)
    if (ordered[index]) throw new Error(`two receipts have transactionIndex ${index}`)
    ordered[index] = receipt
  }
  // As many different indexes below n as n: none is missing.
  return ordered as RpcReceipt[]
}

/** Writes the bytes of a receipt as the trie holds them, last field first; see RlpWriter. EIP-658, EIP-2718. */
export function writeReceipt(writer: RlpWriter, receipt: RpcReceipt): void {
  const type = typeOf(receipt)
  const since = writer.mark()
  if (type === deposit) writeDeposit(writer, receipt)
  writeLogs(writer, receipt.logs)
  writer.data(receipt.logsBloom, receiptFields.logsBloom)
  writer.quantity(receipt.cumulativeGasUsed, receiptFields.cumulativeGasUsed)
  writeOutcome(writer, receipt)
  writer.list(since)
  if (type !== 0) writer.byte(type)
}

function typeOf({ type, root }: RpcReceipt): number {
  const number = type === undefined || type === null ? 0 : hexToNumber(type, receiptFields.type)
  if (number > 4 && number !== deposit) throw new Error(`its type ${number} is unknown: its encoding has to be added`)
  if (number !== 0 && isGiven(root))
    throw new Error(`it has type ${number} and a root, which only receipts before Byzantium have`)
  return number
}

function writeOutcome(writer: RlpWriter, { status, root }: RpcReceipt): void {
  if (isGiven(status) === isGiven(root)) throw new Error('it must have either a status or a root')
  if (isGiven(root)) {
    writer.data(root, receiptFields.root)
    return
  }
  const outcome = hexToNumber(status, receiptFields.status)
  if (outcome > 1) throw new Error(`its status is ${outcome}, and neither 0 nor 1`)
  writer.quantity(status, receiptFields.status)
}

/** Before Canyon the nonce isn't part of what is hashed. */
function writeDeposit(writer: RlpWriter, { depositNonce, depositReceiptVersion }: RpcReceipt): void {
  if (!isGiven(depositReceiptVersion)) return
  writer.quantity(depositReceiptVersion, receiptFields.depositReceiptVersion)
  writer.quantity(depositNonce, receiptFields.depositNonce)
}

function writeLogs(writer: RlpWriter, logs: readonly RpcLog[]): void {
  if (!Array.isArray(logs)) throw new Error(`its logs must be a list, and are ${typeof logs}`)
  const since = writer.mark()
  for (let index = logs.length - 1; index >= 0; index--) writeLog(writer, logs[index])
  writer.list(since)
}

function writeLog(writer: RlpWriter, log: RpcLog | undefined): void {
  const topics = log?.topics
  if (!Array.isArray(topics) || topics.length > 4) throw new Error('a log must have a list of at most 4 topics')
  const since = writer.mark()
  writer.data(log?.data, logFields.data)
  const topicsSince = writer.mark()
  for (let index = topics.length - 1; index >= 0; index--) writer.data(topics[index], logFields.topic)
  writer.list(topicsSince)
  writer.data(log?.address, logFields.address)
  writer.list(since)
}

const isGiven = (value: string | null | undefined) => value !== undefined && value !== null
