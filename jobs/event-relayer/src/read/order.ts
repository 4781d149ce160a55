import type { BlockId, RawLog } from '../chain.ts'
import { WrongAnswer } from '../providers/pool.ts'

/** Logs in chain order, each once. Throws a WrongAnswer where two differ in the same place. */
export function orderedLogs(logs: readonly RawLog[]): RawLog[] {
  const sorted = logs.toSorted((a, b) => a.block_number - b.block_number || a.log_index - b.log_index)
  return sorted.filter((log, index) => {
    const before = sorted[index - 1]
    if (before?.log_index !== log.log_index || before.block_number !== log.block_number) return true
    if (isSameLog(before, log)) return false
    throw new WrongAnswer(`two different logs ${log.log_index} of block ${log.block_number} were given`, 'conflicting')
  })
}

/** The first log that isn't of these blocks, which follow each other. */
export function strayLog(logs: readonly RawLog[], blocks: readonly BlockId[]): RawLog | undefined {
  const first = blocks[0]?.number ?? 0
  return logs.find(log => blocks[log.block_number - first]?.hash !== log.block_hash)
}

/** What was given against what the receipts prove of the same addresses in the same block, each in the order of its indexes. */
export function compareLogs({ given, proven }: { given: readonly RawLog[]; proven: readonly RawLog[] }): {
  missing: RawLog[]
  /** Logs that the receipts lack, or hold otherwise. */
  invented: RawLog[]
} {
  const left = new Map(proven.map(log => [log.log_index, log]))
  const invented: RawLog[] = []
  for (const log of given) {
    const twin = left.get(log.log_index)
    if (!twin || !isSameLog(twin, log)) invented.push(log)
    left.delete(log.log_index)
  }
  return { missing: [...left.values()], invented }
}

const isSameLog = (a: RawLog, b: RawLog): boolean =>
  a.log_index === b.log_index &&
  a.block_hash === b.block_hash &&
  a.block_number === b.block_number &&
  a.transaction_hash === b.transaction_hash &&
  a.address === b.address &&
  a.data === b.data &&
  a.topics.length === b.topics.length &&
  a.topics.every((topic, index) => topic === b.topics[index])
