import assert from 'node:assert/strict'
import type { RpcLog } from '../proof/receipts.ts'
import { createWatchSet, type WatchSet } from '../watch.ts'
import {
  address,
  approved,
  deployed,
  factory,
  type Lie,
  type ModelProvider,
  modelChain,
  modelProvider,
  unknownEvent
} from './model-fixture.ts'
import { readRange } from './read-range.ts'
import type { Reader } from './reader.ts'

export const [old, child, later, stranger] = [address(0xe1), address(0xe2), address(0xe3), address(0x57)]
export const quiet = [[approved(stranger)]]

/** Block 3 deploys `child`, whose constructor's log precedes the deployment's; block 5 deploys `later` and block 6 has its only event. */
export const blocks = [
  quiet,
  [[approved(old)]],
  quiet,
  [[approved(stranger)], [approved(child), deployed(child), approved(child), deployed(stranger, stranger)]],
  [[approved(old), approved(old)], [unknownEvent(old)]],
  [[deployed(later)]],
  [[approved(later)], [approved(child)]],
  quiet
]
export const chain = modelChain(blocks)
/** Block, index and address of all logs of blocks 1 to 7 that count. */
export const expected = [
  [1, 0, old],
  [3, 1, child],
  [3, 2, factory],
  [3, 3, child],
  [4, 0, old],
  [4, 1, old],
  [4, 2, old],
  [5, 0, factory],
  [6, 0, later],
  [6, 1, child]
]
export const withoutUnknown = expected.filter(([block, index]) => block !== 4 || index !== 2)

type Options = Partial<Omit<Parameters<typeof readRange>[0], 'readers' | 'range'>> & { range?: [number, number] }

export const watchOld = (): WatchSet => createWatchSet({ factories: [factory], escrows: [[old, factory]] })

export function read(providers: readonly ModelProvider[], { range: [from, to] = [1, 7], ...options }: Options = {}) {
  const [first, ...others] = providers.map(({ reader }) => reader)
  assert.ok(first)
  const readers: [Reader, ...Reader[]] = [first, ...others]
  const parent = { number: from - 1, hash: chain[from - 1]?.header.hash ?? '' }
  const usual = { check: 'receipts', watch: watchOld(), pinFrom: 100, maxAddresses: 500 } as const
  return readRange({ readers, range: { from, to }, parent, ...usual, ...options })
}

export const honest = (id = '1:honest') => modelProvider({ chain, id })
export const lying = (lies: Record<string, Lie>, id = '1:liar') => modelProvider({ chain, lies, id })
/** Changes the logs that are answered. */
export const logs = (change: (logs: RpcLog[]) => unknown): Record<string, Lie> => ({
  // The model answers logs.
  eth_getLogs: (_, truth) => change(truth() as RpcLog[])
})
export const placed = (read: { logs: { block_number: number; log_index: number; address: string }[] }) =>
  read.logs.map(log => [log.block_number, log.log_index, log.address])
export const wrong = (kind: string) => ({ name: 'WrongAnswer', kind })
