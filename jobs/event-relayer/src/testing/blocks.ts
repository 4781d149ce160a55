import { bloomOf } from '../proof/bloom.ts'
import { headerHash, type RpcHeader } from '../proof/header.ts'
import { bytesToHex } from '../proof/hex.ts'
import { keccak256 } from '../proof/keccak.ts'
import { logsOfReceipts, type RpcLog, type RpcReceipt, receiptsRoot } from '../proof/receipts.ts'

export type ModelLog = { address: string; topics: readonly string[]; data: string }
export type ModelTransaction = { hash?: string; type?: 0 | 1 | 2 | 3 | 4; logs: readonly ModelLog[] }
/** The timestamp is Unix seconds. Blocks of one parent and different salts are siblings of a fork. */
export type ModelBlock = {
  number: number
  parentHash: string
  timestamp: number
  transactions: readonly ModelTransaction[]
  salt?: string
}
export type BuiltBlock = { header: RpcHeader; receipts: RpcReceipt[]; logs: RpcLog[] }

const emptyListRoot = '0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421'
const noUncles = '0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347'
// SHA-256 of nothing: EIP-7685.
const noRequests = '0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const gasPerTransaction = 100_000

/**
 * A block as a provider would give it, with the fields of Prague: hash, parent link, bloom and receiptsRoot are right and can be
 * recomputed. The same block gives the same hash; its state and the content of its transactions are made up.
 */
export function buildBlock({ number, parentHash, timestamp, transactions, salt = '' }: ModelBlock): BuiltBlock {
  const hashes = transactions.map(
    ({ hash }, index) => hash ?? made(`transaction ${parentHash} ${number} ${salt} ${index}`)
  )
  const unsealed = transactions.map(({ type = 2, logs }, index) => ({
    type: hex(type),
    status: '0x1',
    cumulativeGasUsed: hex((index + 1) * gasPerTransaction),
    logsBloom: bloomOf(logs),
    logs: logs.map(log => ({ ...log, ...unsealedPlace, transactionHash: '', transactionIndex: '', logIndex: '' })),
    ...unsealedPlace,
    transactionHash: hashes[index] ?? '',
    transactionIndex: hex(index)
  }))
  const fields = {
    number: hex(number),
    parentHash,
    timestamp: hex(timestamp),
    sha3Uncles: noUncles,
    miner: `0x${'0'.repeat(40)}`,
    stateRoot: made(`state ${salt}`),
    transactionsRoot: hashes.length === 0 ? emptyListRoot : made(hashes.join(' ')),
    receiptsRoot: receiptsRoot(unsealed),
    logsBloom: bloomOf(transactions.flatMap(({ logs }) => logs)),
    difficulty: '0x0',
    gasLimit: hex(30_000_000),
    gasUsed: hex(transactions.length * gasPerTransaction),
    extraData: '0x',
    mixHash: made(`randomness ${salt}`),
    nonce: '0x0000000000000000',
    baseFeePerGas: '0x7',
    withdrawalsRoot: emptyListRoot,
    blobGasUsed: '0x0',
    excessBlobGas: '0x0',
    parentBeaconBlockRoot: made(`beacon ${parentHash}`),
    requestsHash: noRequests
  }
  const header: RpcHeader = { ...fields, hash: headerHash(fields) }
  const place = { blockNumber: header.number, blockHash: header.hash }
  const logs = logsOfReceipts(unsealed).map(log => ({ ...log, ...place }))
  const logsOf = Map.groupBy(logs, log => log.transactionIndex)
  const receipts = unsealed.map(receipt => ({
    ...receipt,
    ...place,
    logs: logsOf.get(receipt.transactionIndex) ?? []
  }))
  return { header, receipts, logs }
}

/** A receipt's root doesn't cover the block's hash, which isn't known yet. */
const unsealedPlace = { blockNumber: '', blockHash: '' }
const hex = (value: number) => `0x${value.toString(16)}`
const made = (text: string) => bytesToHex(keccak256(Buffer.from(text)))
