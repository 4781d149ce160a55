import type { Header, RawLog } from '../chain.ts'
import { type RpcReceipt, receiptsRoot } from '../proof/receipts.ts'
import { WrongAnswer } from '../providers/pool.ts'
import { type Rpc, RpcFault } from '../providers/rpc.ts'
import { mapBounded } from './bounded.ts'
import { bytes, hex, list, quantity, record, toLog } from './fields.ts'

export type ReadReceipts = (header: Header, watches?: (address: string) => boolean) => Promise<RawLog[]>

/** How receipts are asked for; providers differ in what they serve. */
type Way = (header: Header) => Promise<readonly unknown[]>

const TRANSACTIONS_AT_ONCE = 100

/**
 * Reads the logs of a block from its receipts, whose root must be the header's.
 * So they are proven, all but the hashes of their transactions: no receipt holds its own.
 */
export function createReceiptReader({ id, rpc }: { id: string; rpc: Rpc }): ReadReceipts {
  const absent = (number: number) =>
    new RpcFault(`provider ${id} has no receipts of block ${number}`, { kind: 'retry' })

  function present(answer: unknown, number: number): readonly unknown[] {
    if (answer === null) throw absent(number)
    return list(answer, 'a list of receipts')
  }

  const byHash: Way = async ({ hash, number }) => present(await rpc('eth_getBlockReceipts', [hash]), number)

  const byNumber: Way = async ({ hash, number }) => {
    const receipts = present(await rpc('eth_getBlockReceipts', [`0x${number.toString(16)}`]), number)
    const [first] = receipts
    if (first !== undefined && bytes(record(first, 'a receipt').blockHash, 32) !== hash) throw absent(number)
    return receipts
  }

  const oneByOne: Way = async ({ hash, number }) => {
    const block = await rpc('eth_getBlockByHash', [hash, false])
    if (block === null) throw absent(number)
    const transactions = list(record(block, 'a block').transactions, 'a list of transactions')
    return mapBounded(transactions, TRANSACTIONS_AT_ONCE, async transaction => {
      const receipt = await rpc('eth_getTransactionReceipt', [hex(transaction)])
      if (receipt === null) throw absent(number)
      return receipt
    })
  }

  let ways: readonly Way[] = [byHash, byNumber, oneByOne]

  /** Goes on to the next way where the provider refuses one; what it never serves isn't asked for again. */
  async function ask(header: Header, [way = oneByOne, ...others]: readonly Way[]): Promise<readonly unknown[]> {
    try {
      return await way(header)
    } catch (error) {
      const refusal = error instanceof RpcFault ? error.advice.kind : undefined
      if (others.length === 0 || (refusal !== 'give_up' && refusal !== 'split')) throw error
      const receipts = await ask(header, others)
      if (refusal === 'give_up' && others.length < ways.length) ways = others
      return receipts
    }
  }

  return async (header, watches = () => true) => {
    const receipts = await ask(header, ways)
    const root = rootOf(receipts, { id, header })
    if (root !== header.receipts_root)
      throw wrong(id, `with the root ${root} for block ${header.number}, whose header says ${header.receipts_root}`)
    return logsIn(receipts, { id, header, watches })
  }
}

const wrong = (id: string, what: string) => new WrongAnswer(`provider ${id} gave receipts ${what}`, 'wrong_receipts')

function rootOf(receipts: readonly unknown[], { id, header }: { id: string; header: Header }): string {
  try {
    // receiptsRoot checks the fields that it encodes.
    return receiptsRoot(receipts as readonly RpcReceipt[])
  } catch (cause) {
    const message = `the receipts that provider ${id} gave for block ${header.number} can't be proven`
    throw new RpcFault(message, { kind: 'give_up' }, { cause })
  }
}

/** Their block, their transaction and their index, which counts through the block, must be right too. */
function logsIn(
  receipts: readonly unknown[],
  { id, header, watches }: { id: string; header: Header; watches: (address: string) => boolean }
): RawLog[] {
  const found: RawLog[] = []
  let count = 0
  for (const receipt of inOrder(receipts)) {
    for (const given of list(receipt.logs, 'a list of logs')) {
      const log = record(given, 'a log')
      const isInPlace =
        quantity(log.logIndex) === count &&
        quantity(log.blockNumber) === header.number &&
        isSameHex(log.transactionHash, receipt.transactionHash) &&
        isSameHex(log.blockHash, header.hash)
      if (!isInPlace) throw wrong(id, `whose log ${count} of block ${header.number} says that it stands elsewhere`)
      if (watches(bytes(log.address, 20))) found.push(toLog(log))
      count++
    }
  }
  return found
}

function inOrder(receipts: readonly unknown[]) {
  return receipts
    .map(given => record(given, 'a receipt'))
    .map(receipt => ({ index: quantity(receipt.transactionIndex), receipt }))
    .sort((a, b) => a.index - b.index)
    .map(({ receipt }) => receipt)
}

const isSameHex = (a: unknown, b: unknown): boolean => a === b || hex(a) === hex(b)
