import type { BlockId, Header, Heads, LogFilter, Range, RawLog } from '../chain.ts'
import type { FinalityRule } from '../config.ts'
import { headerHash, type RpcHeader } from '../proof/header.ts'
import type { Limits } from '../providers/limits.ts'
import { WrongAnswer } from '../providers/pool.ts'
import { type Rpc, RpcFault } from '../providers/rpc.ts'
import { mapBounded } from './bounded.ts'
import { ChainMoved } from './chain-moved.ts'
import { hex, list, quantity, record, toHeader, toLog } from './fields.ts'
import { createReceiptReader } from './receipts.ts'

/** What one provider says of a chain, checked as far as one answer can be. A null, an error or a list that isn't one is never read as "nothing happened". */
export type Reader = {
  /** The provider, without its secrets. */
  id: string
  /** Whether header hashes are recomputed, so that blooms and roots can be believed as far as the hash can. */
  format: HeaderFormat
  limits: Limits
  chainId(): Promise<number>
  /** Byte code at an address, `0x` where there is no contract. */
  code(address: string): Promise<string>
  heads(finality: FinalityRule): Promise<Heads>
  header(number: number): Promise<Header>
  /** Each linked to the one before it. Throws ChainMoved when the chain was reorganised while they were read. */
  headers(range: Range): Promise<Header[]>
  logs(range: Range, filter: LogFilter): Promise<RawLog[]>
  /** Pinned by the block's hash: a provider that doesn't have this very block can't answer. */
  logsOf(block: BlockId, filter: LogFilter): Promise<RawLog[]>
  /** The block's logs from its receipts, whose root is the header's; those of watched addresses alone where `watches` is given. */
  receipts(header: Header, watches?: (address: string) => boolean): Promise<RawLog[]>
}

/** `ethereum`: a header's fields are those of a known fork of Ethereum. `unknown`: a hash can't be recomputed. */
export type HeaderFormat = 'ethereum' | 'unknown'

/** Headers asked for at a time: one batch of most providers. */
const HEADERS_AT_ONCE = 100

/** Reads a chain through one provider. Throws RpcFault for what it refuses or lacks, WrongAnswer for what can't be true. */
export function createReader({
  id,
  rpc,
  limits,
  format
}: {
  id: string
  rpc: Rpc
  limits: Limits
  format: HeaderFormat
}): Reader {
  const receipts = createReceiptReader({ id, rpc })
  const wrong = (kind: string, message: string) => new WrongAnswer(`provider ${id} ${message}`, kind)

  /** Undefined where the provider has no such block. */
  async function headerAt(at: string): Promise<Header | undefined> {
    const answer = await rpc('eth_getBlockByNumber', [at, false])
    if (answer === null) return undefined
    // headerHash and toHeader check the fields that they use.
    const given = record(answer, 'a block') as RpcHeader
    const header = toHeader(given)
    const actual = format === 'ethereum' ? hashOf(given, header) : header.hash
    if (actual !== header.hash)
      throw wrong('wrong_hash', `gave block ${header.number} the hash ${header.hash}, but its fields hash to ${actual}`)
    return header
  }

  function hashOf(given: RpcHeader, { number }: Header): string {
    try {
      return headerHash(given)
    } catch (cause) {
      const message = `the hash of block ${number} of provider ${id} can't be recomputed: if its chain isn't like Ethereum, register it so`
      throw new RpcFault(message, { kind: 'give_up' }, { cause })
    }
  }

  async function header(number: number): Promise<Header> {
    const found = await headerAt(asHex(number))
    if (!found) throw absent(`provider ${id} has no block ${number}, though its head was not below it`)
    if (found.number !== number) throw wrong('wrong_block', `gave block ${found.number} for block ${number}`)
    return found
  }

  /** A block tag that the chain is too young for, or doesn't have, is answered by null or by an error. */
  async function tagged(tag: 'safe' | 'finalized'): Promise<Header | undefined> {
    try {
      return await headerAt(tag)
    } catch (error) {
      if (error instanceof RpcFault && isUnknownTag(error)) return undefined
      throw error
    }
  }

  async function assertLinked(headers: readonly Header[]): Promise<void> {
    const at = headers.findIndex(({ parent_hash }, index) => index > 0 && parent_hash !== headers[index - 1]?.hash)
    const [parent, child] = [headers[at - 1], headers[at]]
    if (!parent || !child) return
    const again = await Promise.all([header(parent.number), header(child.number)])
    if (again[0].hash !== parent.hash || again[1].hash !== child.hash) throw new ChainMoved(parent)
    const message = `gave block ${child.number} with the parent ${child.parent_hash}, but block ${parent.number} as ${parent.hash}`
    throw wrong('unlinked', message)
  }

  async function logs(where: object, filter: LogFilter): Promise<RawLog[]> {
    const what = 'addresses' in filter ? { address: filter.addresses } : { topics: [filter.topics] }
    const answer = list(await rpc('eth_getLogs', [{ ...where, ...what }]), 'a list of logs')
    const found: RawLog[] = []
    for (const given of answer) if (record(given, 'a log').removed !== true) found.push(toLog(given))
    return found
  }

  return {
    id,
    format,
    limits,
    chainId: async () => quantity(await rpc('eth_chainId', [])),
    code: async address => hex(await rpc('eth_getCode', [address, 'latest'])),
    header,
    receipts,

    async heads(finality) {
      const latest = await headerAt('latest')
      if (!latest) throw absent(`provider ${id} has no latest block`)
      const below = (depth: number) => (latest.number < depth ? undefined : header(latest.number - depth))
      const [safe, finalized] = await Promise.all(
        finality.by === 'depth'
          ? [below(finality.safe), below(finality.finalized)]
          : [tagged('safe'), tagged('finalized')]
      )
      // Backends behind one address may differ: what lies above the head that was given isn't asked for.
      const reached = (tag: Header | undefined) => (tag && tag.number <= latest.number ? tag : undefined)
      return { latest, safe: reached(safe), finalized: reached(finalized) }
    },

    async headers({ from, to }) {
      const numbers = Array.from({ length: to - from + 1 }, (_, offset) => from + offset)
      const headers = await mapBounded(numbers, HEADERS_AT_ONCE, header)
      await assertLinked(headers)
      return headers
    },

    logs: ({ from, to }, filter) => logs({ fromBlock: asHex(from), toBlock: asHex(to) }, filter),

    async logsOf({ hash, number }, filter) {
      const found = await logs({ blockHash: hash }, filter)
      const stray = found.find(log => log.block_hash !== hash || log.block_number !== number)
      if (stray)
        throw wrong(
          'wrong_block',
          `gave a log of block ${stray.block_number} ${stray.block_hash} for ${number} ${hash}`
        )
      return found
    }
  }
}

const asHex = (number: number): string => `0x${number.toString(16)}`

const absent = (message: string) => new RpcFault(message, { kind: 'retry' })

const isUnknownTag = ({ advice, message }: RpcFault): boolean =>
  advice.kind === 'give_up' || (advice.kind === 'retry' && /not found|unknown block/i.test(message))
