import { type Fault, type Fields, isFields, listOf } from './fault.ts'
import { hex, JsonRpcError } from './json-rpc.ts'

type Asked = { from: number; to: number; logs: number; filter: Fields }

/** Refuses eth_getLogs when `why` gives a reason. Asked by block hash, a range has one block. */
const refusing = (why: (asked: Asked) => JsonRpcError | undefined): Fault => ({
  result(result, { method, params: [filter] }) {
    if (method !== 'eth_getLogs' || !isFields(filter)) return result
    const one = filter.blockHash !== undefined
    const [from, to] = one ? [0, 0] : [Number(filter.fromBlock), Number(filter.toBlock)]
    const error = why({ from, to, logs: Array.isArray(result) ? result.length : 0, filter })
    if (error) throw error
    return result
  }
})

/** Refuses more than so many blocks, in a provider's words. */
const upToBlocks = (most: number, error: (asked: Asked) => JsonRpcError): Fault =>
  refusing(asked => (asked.to - asked.from + 1 > most ? error(asked) : undefined))

/** Refuses answers of more than so many logs, as long as the range can be narrowed. */
const upToLogs = (most: number, error: (asked: Asked) => JsonRpcError): Fault =>
  refusing(asked => (asked.logs > most && asked.to > asked.from ? error(asked) : undefined))

const unsupported = (method: string): Fault => ({
  result(result, call) {
    if (call.method !== method) return result
    throw new JsonRpcError(-32601, `the method ${method} does not exist/is not available`)
  }
})

/** Limits in the words of real providers, and methods that aren't there. */
export const errorFaults = {
  more_than_results: upToLogs(2, () => new JsonRpcError(-32005, 'query returned more than 10000 results')),
  response_too_big: upToLogs(
    3,
    () => new JsonRpcError(-32008, 'Response is too big', 'Exceeded max limit of 10485760')
  ),
  range_limited: upToBlocks(3, () => new JsonRpcError(-32614, 'eth_getLogs is limited to a 3 range')),
  range_too_wide: upToBlocks(4, () => new JsonRpcError(-32600, 'block range is too wide')),
  range_free_tier: upToBlocks(5, () => new JsonRpcError(35, 'ranges over 5 blocks are not supported on freetier')),
  range_suggested: upToBlocks(3, ({ from }) => {
    const range = `[${hex(from)}, ${hex(from + 2)}]`
    return new JsonRpcError(
      -32602,
      `Log response size exceeded. Based on your parameters and the response size limit, this block range should work: ${range}`
    )
  }),
  range_suggested_nonsense: upToBlocks(
    2,
    ({ from }) =>
      new JsonRpcError(-32602, `Query returned more than 10000 results. Try with this block range [${hex(from)}, 0x0].`)
  ),
  query_timeout: upToBlocks(4, () => new JsonRpcError(-32603, 'query timeout of 10 seconds exceeded')),
  addresses_limited: refusing(({ filter }) =>
    Array.isArray(filter.address) && filter.address.length > 2
      ? new JsonRpcError(-32602, 'exceed max addresses or topics per search position')
      : undefined
  ),
  by_block_hash_refused: refusing(({ filter }) =>
    filter.blockHash === undefined ? undefined : new JsonRpcError(-32602, 'invalid argument 0: blockHash not supported')
  ),
  receipts_unsupported: unsupported('eth_getBlockReceipts'),
  receipts_null: { result: (result, call) => (call.method === 'eth_getBlockReceipts' ? null : result) },
  receipts_without_a_log: {
    result(result, call) {
      const receipts = listOf(result, call, 'eth_getBlockReceipts')
      const emptied = receipts?.find(({ logs }) => Array.isArray(logs) && logs.length > 0)
      return emptied ? receipts?.map(one => (one === emptied ? { ...one, logs: [] } : one)) : result
    }
  },
  other_chain: { result: (result, { method }) => (method === 'eth_chainId' ? '0x2105' : result) }
} satisfies Record<string, Fault>
