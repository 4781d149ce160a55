import { isAddress, padHex, toEventSelector } from 'viem'
import { pick } from '../../../e2e/crash-script.ts'
import { type Context, type Fault, type Fields, isFields, listOf, randomHex } from './fault.ts'
import { type Call, hex } from './json-rpc.ts'

const APPROVAL = toEventSelector('ApprovalGranted(address)')

/** Alters an answer of eth_getLogs that has logs in it. */
const onLogs = (alter: (logs: Fields[], context: Context) => Fields[]): Fault => ({
  result(result, call, context) {
    const logs = listOf(result, call, 'eth_getLogs')
    return logs ? alter(logs, context) : result
  }
})

/** Adds a copy of one of the logs, changed so. */
const withCopy = (change: (log: Fields, context: Context) => Fields): Fault =>
  onLogs((logs, context) => [...logs, change({ ...pick(logs, context.random) }, context)])

/** Changes one of the logs. */
const withOne = (change: (log: Fields, context: Context) => Fields): Fault =>
  onLogs((logs, context) => {
    const chosen = pick(logs, context.random)
    return logs.map(log => (log === chosen ? change({ ...log }, context) : log))
  })

const otherData = (log: Fields): Fields => ({ ...log, data: `0x${'00'.repeat(31)}2a` })
const withoutPrefix = (value: unknown) => (typeof value === 'string' ? value.replace(/^0x/, '') : value)

/** An approval that no block has, in a block that the call asks for. */
async function invented({ params: [filter] }: Call, context: Context): Promise<Fields | undefined> {
  if (!isFields(filter)) return undefined
  const { blockHash, fromBlock, toBlock, address } = filter
  const place = Number(fromBlock) + Math.floor(context.random() * (Number(toBlock) - Number(fromBlock) + 1))
  const block = await (blockHash
    ? context.ask('eth_getBlockByHash', [blockHash, false])
    : context.ask('eth_getBlockByNumber', [hex(place), false]))
  const emitter = [address].flat().find(one => typeof one === 'string' && isAddress(one))
  if (!isFields(block) || !emitter) return undefined
  return {
    address: emitter,
    topics: [APPROVAL, padHex('0x2a', { size: 32 })],
    data: '0x',
    blockNumber: block.number,
    blockHash: block.hash,
    transactionHash: randomHex(context, 32),
    transactionIndex: '0x0',
    logIndex: '0x0',
    removed: false
  }
}

/** What a node can do to the logs that it answers. */
export const logFaults = {
  some_logs_left_out: onLogs((logs, { random }) => {
    const left = logs.filter(() => random() < 0.5)
    return left.length === logs.length ? left.slice(1) : left
  }),
  all_logs_left_out: onLogs(() => []),
  log_invented: withCopy((log, context) => ({
    ...log,
    transactionHash: randomHex(context, 32),
    logIndex: hex(Number(log.logIndex) + 7)
  })),
  log_invented_in_any_block: {
    async result(result, call, context) {
      if (call.method !== 'eth_getLogs' || !Array.isArray(result)) return result
      const log = await invented(call, context)
      return log ? [...result, log] : result
    }
  },
  log_of_another_block: withOne((log, context) => ({ ...log, blockHash: randomHex(context, 32) })),
  log_changed: withOne(otherData),
  conflicting_duplicate: withCopy(otherData),
  identical_duplicate: withCopy(log => log),
  removed_log_added: withCopy((log, context) => ({
    ...log,
    blockHash: randomHex(context, 32),
    transactionHash: randomHex(context, 32),
    removed: true
  })),
  log_said_to_be_removed: withOne(log => ({ ...log, removed: true })),
  logs_backwards: onLogs(logs => (logs.length > 1 ? logs.toReversed() : logs)),
  hashes_without_0x: onLogs(logs =>
    logs.map(log => ({
      ...log,
      blockHash: withoutPrefix(log.blockHash),
      transactionHash: withoutPrefix(log.transactionHash)
    }))
  ),
  logs_null: { result: (result, { method }) => (method === 'eth_getLogs' ? null : result) }
} satisfies Record<string, Fault>
