import type { Faults } from './faults.ts'
import type { ModelChain } from './model-chain.ts'
import type { Plan } from './plan.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'

export type Story = { ended(): boolean }

/** The chain's life while relayers run: blocks, reorgs, branches that come back. */
export function tellStory({
  chain,
  plan,
  random,
  faults,
  scheduler,
  tell
}: {
  chain: ModelChain
  plan: Plan
  random: Random
  faults: Faults
  scheduler: Scheduler
  tell: (line: string) => void
}): Story {
  let left = plan.changes

  function change(): void {
    if (plan.deepestReorg > 16 && faults.strikes('reorg_deep', 0.1)) {
      const depth = random.int(17, plan.deepestReorg)
      chain.reorg(depth, depth + random.int(0, 1))
    } else if (faults.strikes('reorg', 0.25)) {
      const depth = random.int(1, Math.min(6, plan.deepestReorg))
      chain.reorg(depth, Math.max(1, depth + random.int(-1, 2)))
    } else if (faults.strikes('flip_back', 0.3)) chain.flipBack()
    else chain.extend(random.chance(0.1) ? random.int(3, 10) : 1)
  }

  async function live(): Promise<void> {
    for (; left > 0; left -= 1) {
      await scheduler.sleep(random.pick([1_000, 3_000, 6_000, 12_000, 24_000]))
      change()
      tell(`chain ${chain.tip().number} ${chain.tip().hash.slice(0, 10)}, final ${chain.finalized()?.number}`)
    }
  }

  void live()
  return { ended: () => left === 0 }
}
