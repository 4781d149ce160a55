import { PermanentError } from '@fusion-prime/runtime'
import { commitStaged } from './backfill/commit-staged.ts'
import { BEFORE_GENESIS } from './chain.ts'
import type { FollowDeps } from './deps.ts'
import { type Followed, follow } from './follow.ts'
import { advanceLanes } from './lanes/advance.ts'
import { openLanes } from './lanes/open.ts'
import type { Provider, Providers } from './providers/pool.ts'
import { ChainMoved } from './read/chain-moved.ts'
import type { Reader } from './read/reader.ts'
import type { Checkpoint } from './store/checkpoint.ts'
import type { Halt } from './store/halts.ts'
import type { Lease } from './store/lease.ts'

export type Relayer = FollowDeps & {
  providers: Providers
  /** A reader of a provider that was asked once whether it serves this chain. */
  readerOf(provider: Provider): Promise<Reader>
  /** Publishes what waits in the outbox, oldest first, until it is empty or fails. */
  publish(): Promise<{ published: number; failed: number }>
}

/** What a tick did; `held`: another relayer holds the lease, so this one did nothing. */
export type Relayed = {
  held: boolean
  head: number
  behind: number
  facts: number
  reverted: number
  raised: number
  published: number
  unpublished: number
}

/** Relaying stopped until an operator resumes it. */
export class Halted extends PermanentError {
  readonly halt: Halt
  constructor(halt: Halt) {
    const { block_number, stored_hash, chain_hash, resume_from, reason } = halt
    const what = reason === 'deep_reorg' ? 'a reorg is deeper than REORG_WINDOW' : 'a finalized block was replaced'
    super(
      `halted: ${what}: block ${block_number} is stored as ${stored_hash}, the chain has ${chain_hash}. When you have made sure which is right: --mode=resume --from-block ${resume_from} --confirm`
    )
    this.halt = halt
  }
}

/** Blocks that a provider behind the checkpoint may lack before that is told: a second or two of any chain. */
const QUIET_TRIES = 3

/** One tick, the relayer's story: be the one writer, publish what waits, follow a provider to its head, publish again. */
export async function relay(relayer: Relayer, signal?: AbortSignal): Promise<Relayed> {
  const { store, world, metrics } = relayer
  const lease = await store.takeLease()
  metrics.leaseHeld.set(lease ? 1 : 0)
  if (!lease) return { held: true, head: 0, behind: 0, facts: 0, reverted: 0, raised: 0, published: 0, unpublished: 0 }
  metrics.leaseEpoch.set(Number(lease.epoch))
  await world.at('lease_taken')
  const halt = await store.halt()
  metrics.halted.set(halt ? 1 : 0)
  if (halt) throw new Halted(halt)
  await openLanes(relayer, lease)
  const staged = await commitStaged(relayer, { lease })

  const sent = await relayer.publish() // what a crash or an outage left behind
  const followed = await followAny(relayer, { lease, signal })
  if (followed?.kind === 'halted') {
    metrics.halted.set(1)
    throw new Halted(followed.halt)
  }
  const last = await relayer.publish()
  await tidy(relayer)
  await world.at('tick_ended')
  const { head, behind } = await whereWeAre(relayer, followed)
  return {
    held: false,
    head,
    behind,
    facts: staged.facts + (followed?.facts ?? 0),
    reverted: followed?.reverted ?? 0,
    raised: followed?.raised ?? 0,
    published: sent.published + last.published,
    unpublished: last.failed
  }
}

/** Follows the best provider that isn't behind the checkpoint; undefined when every one is. */
async function followAny(
  relayer: Relayer,
  { lease, signal }: { lease: Lease; signal: AbortSignal | undefined }
): Promise<Extract<Followed, { kind: 'followed' | 'halted' }> | undefined> {
  const { providers, readerOf, store, log } = relayer
  const passed: string[] = []
  for (let moved = 0; ; ) {
    if (providers.ranked().every(({ id }) => passed.includes(id))) return undefined
    let used = ''
    try {
      const outcome = await providers.use(
        async (provider, others) => {
          used = provider.id
          const reader = await readerOf(provider)
          const start = (await store.checkpoint()) ?? (await startOf(relayer, reader))
          const rest = await usable(relayer, others)
          const followed = await follow(relayer, { lease, reader, others: rest, start, signal })
          if (followed.kind !== 'followed') return followed
          const facts = await advanceLanes(relayer, { lease, reader, others: rest, heads: followed.heads, signal })
          return { ...followed, facts: followed.facts + facts }
        },
        { except: passed, ...(signal && { signal }) }
      )
      if (outcome.kind === 'followed' || outcome.kind === 'halted') return outcome
      if (outcome.kind === 'elsewhere') log.warn({ provider: used }, 'provider_on_another_branch')
      passed.push(used)
    } catch (error) {
      // A reorg while we read: the fork is found from the checkpoint, which still stands where it was.
      if (!(error instanceof ChainMoved) || ++moved > QUIET_TRIES) throw error
      log.info({ provider: used, reason: error.message }, 'chain_moved')
    }
  }
}

/** The readers of those providers that answered which chain they serve. */
export async function usable({ readerOf }: Relayer, providers: readonly Provider[]): Promise<Reader[]> {
  const readers = await Promise.allSettled(providers.map(readerOf))
  return readers.flatMap(reader => (reader.status === 'fulfilled' ? [reader.value] : []))
}

/** Without a checkpoint relaying starts after the block before START_BLOCK, never at the head: what came before would be lost. */
async function startOf({ startBlock }: Relayer, reader: Reader): Promise<Checkpoint> {
  if (startBlock === undefined) {
    throw new PermanentError(
      'START_BLOCK is missing: there is no checkpoint yet, so it must say which block to read first'
    )
  }
  const levels = { first_block: startBlock, safe_number: undefined, finalized_number: undefined }
  if (startBlock === 0) return { ...BEFORE_GENESIS, ...levels }
  const { number, hash } = await reader.header(startBlock - 1)
  return { number, hash, ...levels }
}

/** Forgets what no reorg, manifest or reader of the outbox can need any more. */
async function tidy({ store, reorgWindow }: Relayer): Promise<void> {
  const checkpoint = await store.checkpoint()
  if (checkpoint?.finalized_number !== undefined) await store.prune(checkpoint.finalized_number - reorgWindow)
}

async function whereWeAre(
  { store, metrics }: Relayer,
  followed: Followed | undefined
): Promise<{ head: number; behind: number }> {
  const checkpoint = await store.checkpoint()
  const at = checkpoint?.number ?? 0
  const head = followed?.kind === 'followed' ? followed.heads.latest.number : at
  metrics.headBlock.set(head)
  metrics.checkpointBlock.set(at)
  metrics.blocksBehind.set(Math.max(0, head - at))
  if (checkpoint?.finalized_number !== undefined) metrics.finalizedBlock.set(checkpoint.finalized_number)
  return { head, behind: Math.max(0, head - at) }
}
