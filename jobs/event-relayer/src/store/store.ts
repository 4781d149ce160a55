import {
  appendOutbox,
  createPipeline,
  type OutboxMessage,
  type Pipeline,
  type Pool,
  type Sql
} from '@fusion-prime/postgres'
import { type Log, newTraceparent } from '@fusion-prime/runtime'
import type { Block, BlockId, Level } from '../chain.ts'
import type { ReadLog } from '../decode/escrow.ts'
import { type FactAtLevel, manifestMessage, revertMessage } from '../message.ts'
import type { Protection, World, Write } from '../world.ts'
import { batches } from './batches.ts'
import {
  hashesAbove,
  type KeptBlock,
  loadBlock,
  loadBlocks,
  loadKept,
  orphanBlocks,
  pruneBlocks,
  upsertBlocks
} from './blocks.ts'
import {
  type Checkpoint,
  loadCheckpoint,
  loadPruned,
  lowerLevels,
  moveCheckpoint,
  noteLevel,
  notePruned
} from './checkpoint.ts'
import { rewindCoverage } from './coverage.ts'
import { countStanding, hasToRise, insertFacts, type NewFact, raiseFacts, revertFacts, upsertFacts } from './facts.ts'
import { deleteHalt, type Halt, insertHalt, loadHalt } from './halts.ts'
import { createLaneStore, type LaneStore, rewindLanes } from './lanes.ts'
import { fence, type Lease, releaseLease, takeLease } from './lease.ts'
import { insertLogs, loadEscrows, noteMalformed, unwatchEscrows, watchEscrows } from './logs.ts'
import { digestOf, insertManifest, lastManifest, type Manifest, startHash, supersedeManifests } from './manifests.ts'
import { messagesOf, termsOf } from './messages.ts'
import { revise } from './revisions.ts'
import { createStaging, rewindStaging, type Staging } from './staging.ts'

/** Facts that one transaction raises at most. */
const RAISE_LIMIT = 2_000

/** Blocks that one pruning looks at. */
const PRUNE_LIMIT = 1_000_000

/** A verified range: the headers that are kept, every log of a watched address, and the facts that are among them. */
export type NewRange = {
  after: BlockId
  last: Block
  blocks: readonly Block[]
  logs: readonly ReadLog[]
  facts: readonly NewFact[]
  /** What all the facts have reached. */
  level: Level
}

export type Committed = { facts: number; malformed: ReadLog[] }

/** The relayer's durable state of one chain. Whatever needs a lease is fenced by its epoch and either happens wholly, outbox rows included, or not at all. */
export type Store = {
  takeLease(): Promise<Lease | undefined>
  /** Lets the next relayer begin at once, if this one holds the lease. */
  releaseLease(): Promise<void>
  checkpoint(): Promise<Checkpoint | undefined>
  halt(): Promise<Halt | undefined>
  escrows(): Promise<Map<string, string>>
  /** Canonical blocks from a number down, highest first. */
  blocksFrom(number: number, limit: number): Promise<BlockId[]>
  block(number: number): Promise<BlockId | undefined>
  commit(lease: Lease, range: NewRange): Promise<Committed>
  /** Blocks above the checkpoint, highest first: an operator's resume kept them, until they are read anew. */
  kept(range: { above: number; upTo: number }): Promise<KeptBlock[]>
  /** Takes back everything above `to`, or of it only the blocks in `gone`; newest first. Answers how many facts. */
  revert(lease: Lease, fork: { from: BlockId; to: BlockId; gone?: readonly string[] }): Promise<number>
  /** Raises facts up to a block whose hash was checked. Answers how many. */
  raise(lease: Lease, rise: { level: 'safe' | 'finalized'; upTo: number }): Promise<number>
  /** States what was published up to a finalized block; undefined when that is stated already. */
  state(lease: Lease, upTo: BlockId): Promise<Manifest | undefined>
  stop(lease: Lease, halt: Halt): Promise<void>
  /** An operator's way on: the checkpoint goes back to `after`; of the blocks above only those in `gone` are reverted, by force. */
  resume(lease: Lease, back: { from: BlockId; after: BlockId; gone: readonly string[] }): Promise<number>
  /** How many facts such a resume would revert. */
  standing(back: { after: BlockId; gone: readonly string[] }): Promise<number>
  /** Forgets blocks below a number that carry no log and were stated. */
  prune(below: number): Promise<number>
  lanes: LaneStore
  staging: Staging
}

export type StoreDeps = Pick<World, 'at' | 'transaction' | 'without'> & {
  sql: Pool
  log: Log
  chainId: number
  holder: string
  leaseSeconds: number
}

export function createStore(deps: StoreDeps): Store {
  const { sql, chainId, log } = deps
  const write = createWrite(deps)
  return {
    takeLease: () => takeLease(sql, { chainId, holder: deps.holder, seconds: deps.leaseSeconds }),
    releaseLease: () => releaseLease(sql, { chainId, holder: deps.holder }),
    checkpoint: () => loadCheckpoint(sql, chainId),
    halt: () => loadHalt(sql, chainId),
    escrows: () => loadEscrows(sql, chainId),
    blocksFrom: (from, limit) => loadBlocks(sql, { chainId, from, limit }),
    block: number => loadBlock(sql, { chainId, number }),
    commit: (lease, range) =>
      write('commit', lease, (tx, pipeline) => commitRange(tx, { lease, range, deps, pipeline })),
    kept: range => loadKept(sql, { chainId, ...range }),
    revert: (lease, { from, to, gone }) =>
      write('revert', lease, async tx => {
        await moveCheckpoint(tx, { chainId, from, to, epoch: lease.epoch })
        await rewindLanes(tx, { chainId, to })
        await rewindCoverage(tx, { chainId, to })
        const hashes = gone ?? (await hashesAbove(tx, { chainId, number: to.number }))
        await orphanBlocks(tx, { chainId, hashes })
        if (deps.without.has('reorg_rule')) return { result: 0, messages: [] }
        return takeBack(tx, { chainId, hashes, above: to.number, by: 'chain' })
      }),
    async raise(lease, { level, upTo }) {
      if (!(await hasToRise(sql, { chainId, level, upTo }))) return 0
      let total = 0
      for (let count = RAISE_LIMIT; count === RAISE_LIMIT; total += count) {
        count = await write('raise', lease, async tx => {
          const raised = await raiseFacts(tx, { chainId, level, upTo, limit: RAISE_LIMIT })
          // With the first of them, or after a crash before the last a stale node could take final blocks off the chain.
          await noteLevel(tx, { chainId, level, upTo })
          const facts = raised.map(fact => ({ ...fact, finality: level, first: false }))
          const terms = await termsOf(tx, { chainId, facts })
          return { result: facts.length, messages: messagesOf(facts, { terms, log }) }
        })
      }
      return total
    },
    state: (lease, upTo) => write('manifest', lease, tx => stateRange(tx, { chainId, upTo })),
    stop: (lease, halt) =>
      write('halt', lease, async tx => {
        await insertHalt(tx, { chainId, halt })
        return { result: undefined, messages: [] }
      }),
    resume: (lease, { from, after, gone }) =>
      write('resume', lease, async tx => {
        await moveCheckpoint(tx, { chainId, from, to: after, epoch: lease.epoch })
        await rewindLanes(tx, { chainId, to: after })
        await rewindCoverage(tx, { chainId, to: after })
        await rewindStaging(tx, { chainId, to: after })
        await orphanBlocks(tx, { chainId, hashes: gone })
        await lowerLevels(tx, { chainId, below: after.number + 1 })
        await supersedeManifests(tx, { chainId, from: after.number + 1 })
        await deleteHalt(tx, chainId)
        return takeBack(tx, { chainId, hashes: gone, above: after.number, by: 'operator' })
      }),
    standing: ({ after, gone }) => countStanding(sql, { chainId, hashes: gone, above: after.number }),
    async prune(below) {
      const from = await loadPruned(sql, chainId)
      if (below <= from) return 0
      const stated = await lastManifest(sql, chainId) // the next manifest names the block after its last
      const end = Math.min(below, (stated?.to_block ?? -1) + 1, from + PRUNE_LIMIT)
      if (end <= from) return 0
      const pruned = await pruneBlocks(sql, { chainId, range: { from, to: end - 1 } })
      await notePruned(sql, { chainId, to: end })
      return pruned
    },
    lanes: createLaneStore({ sql, chainId, write, log }),
    staging: createStaging({ ...deps, sql, chainId })
  }
}

export type FencedWrite = ReturnType<typeof createWrite>

/** `messages`: in batches, which may be made while those before are being written. */
type Written<Result> = { result: Result; messages: Iterable<readonly OutboxMessage[]> }

/** One fenced transaction: the work and its outbox rows, or nothing. */
function createWrite({ sql, at, transaction, without }: StoreDeps) {
  return async <Result>(
    name: Write,
    lease: Lease,
    work: (tx: Sql, pipeline: Pipeline) => Promise<Written<Result>>
  ): Promise<Result> => {
    await at(`${name}_begun`)
    const written = await transaction(sql, async tx => {
      if (!without.has('fencing')) await fence(tx, lease)
      await at(`${name}_fenced`)
      const pipeline = createPipeline()
      const written = await work(tx, pipeline)
      if (!without.has('outbox_transaction'))
        for (const batch of written.messages) await pipeline.send(appendOutbox(tx, batch))
      await pipeline.done()
      await at(`${name}_written`)
      return written
    })
    await at(`${name}_done`)
    if (without.has('outbox_transaction')) for (const batch of written.messages) await appendOutbox(sql, batch)
    return written.result
  }
}

async function commitRange(
  tx: Sql,
  {
    lease,
    range,
    deps: { without, log },
    pipeline
  }: { lease: Lease; range: NewRange; deps: StoreDeps; pipeline: Pipeline }
): Promise<Written<Committed>> {
  const { chainId, epoch } = lease
  const { after, last, blocks, logs, facts, level } = range
  const [, fresh, malformed, terms] = await Promise.all([
    moveCheckpoint(tx, { chainId, from: after, to: last, epoch, fenced: !without.has('fencing') }),
    upsertBlocks(tx, { chainId, blocks }),
    noteMalformed(tx, { chainId, logs }),
    termsOf(tx, { chainId, facts, unwritten: facts })
  ])
  for (const batch of batches(logs)) await pipeline.send(insertLogs(tx, { chainId, logs: batch }))
  await pipeline.send(watchEscrows(tx, { chainId, bodies: facts.map(({ body }) => body) }))
  // In this transaction, or after a crash before the rise a stale node could take final blocks off the chain.
  if (level !== 'seen') await pipeline.send(noteLevel(tx, { chainId, level, upTo: last.number }))
  const begun = await beginFacts(tx, { chainId, facts, fresh: fresh === blocks.length, without, pipeline })
  return { result: { facts: begun.length, malformed }, messages: messagesOf(begun, { terms, log }) }
}

/** Stores facts that were read; answers those of which an incarnation begins. */
async function beginFacts(
  tx: Sql,
  {
    chainId,
    facts,
    fresh,
    without,
    pipeline
  }: {
    chainId: number
    facts: readonly NewFact[]
    fresh: boolean
    without: ReadonlySet<Protection>
    pipeline: Pipeline
  }
): Promise<FactAtLevel[]> {
  const first = (fact: NewFact, { incarnation, forced }: { incarnation: number; forced: boolean }) => {
    const begun = { ...fact, incarnation: without.has('incarnation') ? 1 : incarnation, forced, first: true }
    return begun.incarnation === 1 && !forced ? begun : { ...begun, message: undefined }
  }
  if (fresh) {
    for (const batch of batches(facts)) await pipeline.send(insertFacts(tx, { chainId, facts: batch }))
    return facts.map(fact => first(fact, { incarnation: 1, forced: false }))
  }
  const begun = await upsertFacts(tx, { chainId, facts })
  return facts.flatMap(fact => {
    const stored = begun.get(fact.body.fact_id)
    return stored ? [first(fact, stored)] : []
  })
}

async function takeBack(
  tx: Sql,
  where: { chainId: number; hashes: readonly string[]; above: number; by: 'chain' | 'operator' }
): Promise<Written<number>> {
  const facts = await revertFacts(tx, where)
  const deployments = facts.filter(({ body }) => body.event_type === 'EscrowDeployed').map(({ body }) => body.fact_id)
  await unwatchEscrows(tx, { chainId: where.chainId, factIds: deployments })
  return { result: facts.length, messages: [facts.map(revertMessage)] }
}

async function stateRange(
  tx: Sql,
  { chainId, upTo }: { chainId: number; upTo: BlockId }
): Promise<Written<Manifest | undefined>> {
  const [checkpoint, last] = await Promise.all([loadCheckpoint(tx, chainId), lastManifest(tx, chainId)])
  const first_block = checkpoint?.first_block ?? upTo.number
  // History that a lane is still reading doesn't reach the first block: the live lane's manifests begin there, and are linked at its merging.
  const previous = last && last.to_block >= first_block - 1 ? last : undefined
  const from_block = previous ? previous.to_block + 1 : first_block
  if (upTo.number < from_block) return { result: undefined, messages: [] }
  const [first, digest] = await Promise.all([
    loadBlock(tx, { chainId, number: from_block }),
    digestOf(tx, { chainId, from: from_block, to: upTo.number })
  ])
  const from_hash = first?.hash ?? (await startHash(tx, { chainId, from_block }))
  const stated = {
    from_block,
    from_hash,
    to_block: upTo.number,
    to_hash: upTo.hash,
    ...digest,
    previous_digest: previous?.digest ?? null
  }
  const manifest = await revise(tx, { chainId, manifest: stated })
  await insertManifest(tx, { chainId, manifest })
  return { result: manifest, messages: [[manifestMessage({ chainId, manifest, traceparent: newTraceparent() })]] }
}
