import type { Faults } from './faults.ts'
import { ancestorAt, type ChainTruth, commonAncestor, isAncestor, type ModelBlock, makeBlock } from './model-block.ts'
import { composeTransactions } from './model-transactions.ts'
import type { Random } from './random.ts'

/** A tree of blocks, of which one branch is canonical; its finalized block never leaves it, unless the seed says so. */
export type ModelChain = {
  truth: ChainTruth
  root: ModelBlock
  tip(): ModelBlock
  safe(): ModelBlock | undefined
  finalized(): ModelBlock | undefined
  /** Blocks by which the tip lies below one that it had before: who counts depth from it finds less final than was. */
  blocksToRegain(): number
  /** When a block first was safe or final, in ms; undefined where it never was. */
  since(level: 'safe' | 'finalized', block: ModelBlock): number | undefined
  byHash(hash: string): ModelBlock | undefined
  blocks(): Iterable<ModelBlock>
  /** Mines on the canonical tip. */
  extend(count: number): void
  /** Replaces the newest `depth` blocks by `length` others. */
  reorg(depth: number, length: number): void
  /** Makes a branch that was dropped canonical again, where there is one that may be. */
  flipBack(): void
  /** Replaces final blocks, which no chain may do: `depth` below the finalized one, by a new branch or by one that was left. Answers what is gone. */
  breakFinality(depth: number): ModelBlock[]
  /** Mines a branch that nobody but its miner follows. */
  mineAside(parent: ModelBlock, length: number): ModelBlock
  /** Tips that aren't canonical, and that a node may still be on: above the finalized block. */
  sideTips(): ModelBlock[]
  /** A block in this one's place that no node is on. */
  phantom(block: ModelBlock): ModelBlock
}

export type ChainPlan = {
  chainId: number
  firstBlock: number
  startsAt: number
  blockSeconds: number
  safeDepth: number
  finalDepth: number
  /** Most blocks that change together between two positions of the tags. */
  tagStep: number
}

export function createModelChain({
  plan,
  random,
  faults,
  now
}: {
  plan: ChainPlan
  random: Random
  faults: Faults
  now: () => number
}): ModelChain {
  const factories = [random.hex(20), random.hex(20)]
  const truth = { chainId: plan.chainId, factories: new Set(factories) }
  const byHash = new Map<string, ModelBlock>()
  const leaves = new Set<ModelBlock>()
  const root = keep(
    makeBlock(
      { number: plan.firstBlock, parent: undefined, timestamp: plan.startsAt, transactions: [], salt: '' },
      truth
    )
  )
  /** Tips that were canonical once. */
  const left = new Set<ModelBlock>()
  const reached = { safe: new Map<ModelBlock, number>(), finalized: new Map<ModelBlock, number>() }
  /** The tip of a branch with final blocks that were replaced. */
  let lost: ModelBlock | undefined
  let tip = root
  let safe: ModelBlock | undefined
  let finalized: ModelBlock | undefined
  let salt = 0

  function keep(block: ModelBlock): ModelBlock {
    byHash.set(block.hash, block)
    if (block.parent) leaves.delete(block.parent)
    leaves.add(block)
    return block
  }

  function mine(parent: ModelBlock, dropped: readonly ModelBlock[] = []): ModelBlock {
    const transactions = composeTransactions(random, { parent, dropped, factories })
    const timestamp = parent.timestamp + plan.blockSeconds
    return makeBlock({ number: parent.number + 1, parent, timestamp, transactions, salt: String(salt++) }, truth)
  }

  function branch(parent: ModelBlock, length: number, dropped: readonly ModelBlock[] = []): ModelBlock {
    let block = parent
    for (let count = 0; count < length; count++) block = keep(mine(block, dropped))
    return block
  }

  function move(to: ModelBlock): void {
    tip = to
    const tag = (depth: number) => {
      const number = tip.number - depth
      return ancestorAt(tip, number - (number % plan.tagStep))
    }
    const final = tag(plan.finalDepth)
    if (final && final.number > (finalized?.number ?? -1)) finalized = final
    safe = tag(plan.safeDepth)
    if (finalized && (safe?.number ?? -1) < finalized.number) safe = finalized
    note('safe', safe)
    note('finalized', finalized)
  }

  function note(level: 'safe' | 'finalized', upTo: ModelBlock | undefined): void {
    for (let block = upTo; block && !reached[level].has(block); block = block.parent) reached[level].set(block, now())
  }

  /** Of the branch that is left, newest first. */
  function above(fork: ModelBlock): ModelBlock[] {
    const dropped: ModelBlock[] = []
    for (let block: ModelBlock | undefined = tip; block && block !== fork; block = block.parent) dropped.push(block)
    return dropped
  }

  const floor = () => finalized?.number ?? root.number
  const mayReturn = (leaf: ModelBlock) => !isAncestor(leaf, tip) && commonAncestor(leaf, tip).number >= floor()

  return {
    truth,
    root,
    tip: () => tip,
    safe: () => safe,
    finalized: () => finalized,
    blocksToRegain: () => Math.max(0, floor() + plan.finalDepth - tip.number),
    since: (level, block) => reached[level].get(block),
    byHash: hash => byHash.get(hash),
    blocks: () => byHash.values(),
    extend: count => move(branch(tip, count)),
    reorg(depth, length) {
      const fork = ancestorAt(tip, Math.max(tip.number - depth, floor()))
      if (!fork || fork === tip) return
      const dropped = above(fork)
      faults.note(dropped.length > 16 ? 'reorg_deep' : 'reorg', `${dropped.length} blocks from ${tip.number}`)
      left.add(tip)
      move(branch(fork, length, dropped))
    },
    flipBack() {
      const candidates = [...left].filter(mayReturn)
      if (candidates.length === 0) return
      const old = random.pick(candidates)
      faults.note('flip_back', `from ${tip.number} to ${old.number}`)
      left.add(tip)
      move(branch(old, random.int(0, 2)))
    },
    breakFinality(depth) {
      const old = tip
      const broken = lost && random.chance(0.5) ? lost : undefined
      const fork = broken ? commonAncestor(broken, tip) : ancestorAt(tip, Math.max(root.number, floor() - depth))
      if (!fork) throw new Error('there is nothing final to replace')
      const dropped = above(fork)
      faults.note('beyond_finality', `${dropped.length} blocks from ${tip.number}`)
      finalized = fork
      move(broken ? branch(broken, 2) : branch(fork, dropped.length + 1, dropped))
      lost = old
      return dropped
    },
    mineAside: branch,
    sideTips: () => [...leaves].filter(mayReturn),
    phantom(block) {
      const { number, parent, timestamp } = block
      return makeBlock({ number, parent, timestamp, transactions: [], salt: `phantom ${block.hash}` }, truth)
    }
  }
}
