import { blockOf, type Context, type Fault, type Fields, isFields, listOf, randomHex } from './fault.ts'
import { type Call, hex, JsonRpcError } from './json-rpc.ts'

/** Changes every block that is answered. */
const onBlocks = (change: (block: Fields, call: Call, context: Context) => unknown): Fault => ({
  result(result, call, context) {
    const block = blockOf(result, call)
    return block ? change({ ...block }, call, context) : result
  }
})

/** Changes the block that a tag names. */
const onTags = (tags: readonly unknown[], change: (block: Fields, context: Context) => unknown): Fault => ({
  result(result, call, context) {
    const block = blockOf(result, call)
    return block && tags.includes(call.params[0]) ? change({ ...block }, context) : result
  }
})

const LEVELS = ['safe', 'finalized']

const headOf = async ({ ask }: Context): Promise<number> => Number(await ask('eth_blockNumber', []))

/** A backend that has seen nothing of the last blocks, and says so neither in its logs nor in its blocks. */
const behind = (blocks: number): Fault => ({
  async result(result, call, context) {
    const head = Math.max(0, (await headOf(context)) - blocks)
    const isNew = (value: unknown) => isFields(value) && Number(value.blockNumber ?? value.number) > head
    if (call.method === 'eth_blockNumber') return hex(head)
    if (call.method === 'eth_getLogs' && Array.isArray(result))
      return result.some(isNew) ? result.filter(log => !isNew(log)) : result
    if (Array.isArray(result)) return result.some(isNew) ? null : result
    if (!isNew(result)) return result
    return call.params[0] === 'latest' ? context.ask('eth_getBlockByNumber', [hex(head), false]) : null
  }
})

/** The head is the newest one, but the logs come from a backend that hasn't heard of it. */
const staleLogs: Fault = {
  async result(result, call, context) {
    const logs = listOf(result, call, 'eth_getLogs')
    if (!logs) return result
    const head = (await headOf(context)) - 5
    const known = logs.filter(log => Number(log.blockNumber) <= head)
    return known.length === logs.length ? result : known
  }
}

const earlier = (block: Fields, { ask }: Context, { by }: { by: number }) =>
  ask('eth_getBlockByNumber', [hex(Math.max(0, Number(block.number) - by)), false])

/** What a node can do to heads, tags and headers. */
export const blockFaults = {
  block_null: onBlocks(() => null),
  header_altered: onBlocks(block => ({ ...block, timestamp: hex(Number(block.timestamp) + 1) })),
  bloom_emptied: onBlocks(block => ({ ...block, logsBloom: `0x${'00'.repeat(256)}` })),
  receipts_root_altered: onBlocks((block, _, context) => ({ ...block, receiptsRoot: randomHex(context, 32) })),
  parent_broken: onBlocks((block, _, context) => ({ ...block, parentHash: randomHex(context, 32) })),
  hash_forged: onBlocks((block, _, context) => ({ ...block, hash: randomHex(context, 32) })),
  other_block: onBlocks((block, _, context) => earlier(block, context, { by: 1 })),
  backend_behind: behind(4),
  logs_of_a_stale_backend: staleLogs,
  head_goes_back: {
    async result(result, call, context) {
      const by = 1 + Math.floor(context.random() * 6)
      if (call.method === 'eth_blockNumber') return hex(Math.max(0, Number(result) - by))
      const block = call.params[0] === 'latest' ? blockOf(result, call) : undefined
      return block ? earlier(block, context, { by }) : result
    }
  },
  tags_go_back: onTags(LEVELS, (block, context) => earlier(block, context, { by: 5 })),
  tags_null: onTags(LEVELS, () => null),
  tags_name_nothing: onTags(LEVELS, (block, context) => ({ ...block, hash: randomHex(context, 32) })),
  tags_not_found: onTags(LEVELS, () => {
    throw new JsonRpcError(-39001, 'safe block not found')
  })
} satisfies Record<string, Fault>
