/** What goes wrong in a simulation. Each seed allows some of them, and counts those that truly happened. */
export const faultKinds = [
  // the chain
  'reorg',
  'reorg_deep',
  'flip_back',
  'beyond_finality',
  // a provider as a whole
  'lagging',
  'stale',
  'forked',
  'tags_back',
  'tags_elsewhere',
  'range_limit',
  'result_limit',
  'address_limit',
  'no_block_receipts',
  // one call
  'rate_limited',
  'timeout',
  'server_error',
  // one answer
  'omitted',
  'invented',
  'conflicting',
  'duplicated',
  'removed',
  'shuffled',
  'foreign_block',
  'foreign_transaction',
  'null_logs',
  'null_block',
  'wrong_block',
  'wrong_bloom',
  'wrong_hash',
  'null_receipts',
  'forged_receipts',
  // the relayer's own processes
  'crash',
  'freeze',
  'stop',
  'commit_unreported',
  'commit_refused',
  'session_ended',
  // publishing
  'publish_refused',
  'publish_partly',
  'publish_unreported'
] as const

export type FaultKind = (typeof faultKinds)[number]

export type Faults = {
  /** Whether this fault happens now; never one that the seed doesn't allow, and none once all is well again. */
  strikes(kind: FaultKind, probability: number): boolean
  allows(kind: FaultKind): boolean
  /** Counts a fault that has happened. */
  note(kind: FaultKind, detail?: string): void
  counts(): ReadonlyMap<FaultKind, number>
  /** From now on all is well. */
  end(): void
  over(): boolean
}

export function createFaults({
  allowed,
  chance,
  trace
}: {
  allowed: ReadonlySet<FaultKind>
  chance: (probability: number) => boolean
  trace: (line: string) => void
}): Faults {
  const counts = new Map<FaultKind, number>()
  let over = false
  const allows = (kind: FaultKind) => !over && allowed.has(kind)
  return {
    allows,
    strikes: (kind, probability) => allows(kind) && chance(probability),
    note(kind, detail = '') {
      counts.set(kind, (counts.get(kind) ?? 0) + 1)
      trace(`fault ${kind} ${detail}`)
    },
    counts: () => counts,
    end() {
      over = true
    },
    over: () => over
  }
}
