import type { Pool } from '@fusion-prime/postgres'
import { PermanentError } from '@fusion-prime/runtime'
import type { Range } from '../chain.ts'
import { type Checkpoint, loadCheckpoint } from '../store/checkpoint.ts'
import { type Coverage, loadCoverage } from '../store/coverage.ts'
import type { WatchSet } from '../watch.ts'

/** What was relayed, and so can be compared. */
export type Scope = {
  checkpoint: Checkpoint
  coverage: readonly Coverage[]
  /** Factories whose history is being read now, and the first block from which manifests may still change for it. */
  lanes: { factories: string[]; from: number } | undefined
}

/** Throws a PermanentError where nothing was relayed yet. */
export async function loadScope(sql: Pool, chainId: number): Promise<Scope> {
  const checkpoint = await loadCheckpoint(sql, chainId)
  if (!checkpoint)
    throw new PermanentError(`nothing was relayed of chain ${chainId} yet: there is no checkpoint to verify up to`)
  const [open] = await sql<{ factories: string[][]; from: number | null }[]>`
    select coalesce(jsonb_agg(to_jsonb(factories)), '[]') as factories, min(from_block)::float8 as from
    from lanes where chain_id = ${chainId} and merged_at is null`
  return {
    checkpoint,
    coverage: await loadCoverage(sql, chainId),
    lanes: open && open.from !== null ? { factories: open.factories.flat(), from: open.from } : undefined
  }
}

/** The range to verify, by default all that was relayed. Throws a PermanentError for blocks that weren't. */
export function rangeWithin(
  { checkpoint: { first_block, number } }: Scope,
  { from = first_block, to = number }: Partial<Range>
): Range {
  if (from > to) throw new PermanentError(`--from ${from} is above --to ${to}: there is nothing to verify`)
  if (from < first_block)
    throw new PermanentError(`--from ${from} is below block ${first_block}, the first that was relayed`)
  if (to > number) throw new PermanentError(`--to ${to} is above block ${number}, the last that was relayed`)
  return { from, to }
}

export type Covers = (log: { address: string; topic0: string; block_number: number }) => boolean

/**
 * Whether a log's signature was relayed for its factory in its block. Without coverage rows all was; a log of nobody's contract is always
 * compared, so that one that was slipped in is found.
 */
export function createCovers({ coverage, lanes }: Scope, watch: WatchSet): Covers {
  const byFactory = Map.groupBy(coverage, ({ factory }) => factory)
  return ({ address, topic0, block_number }) => {
    const factory = watch.factories.has(address) ? address : watch.escrows.get(address)
    if (factory === undefined) return true
    if (coverage.length === 0) return !lanes?.factories.includes(factory)
    const pairs = byFactory.get(factory) ?? []
    const known = pairs.filter(pair => pair.topic0 === topic0)
    return (known.length > 0 ? known : pairs).some(
      ({ from_block, until_block }) =>
        from_block <= block_number && block_number <= (until_block ?? Number.POSITIVE_INFINITY)
    )
  }
}
