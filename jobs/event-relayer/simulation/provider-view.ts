import type { FaultKind, Faults } from './faults.ts'
import { ancestorAt, commonAncestor, type ModelBlock } from './model-block.ts'
import type { ModelChain } from './model-chain.ts'
import type { ProviderPlan } from './model-provider.ts'
import type { Random } from './random.ts'

/** What a provider takes for the chain at one moment. */
export type View = {
  tip: ModelBlock
  safe: ModelBlock | undefined
  finalized: ModelBlock | undefined
  byHash(hash: string): ModelBlock | undefined
}

type Mood = { until: number; view: () => View }

const moods = ['lagging', 'stale', 'forked', 'tags_back', 'tags_elsewhere'] as const satisfies readonly FaultKind[]

/** A provider's view of the chain: the true one, but for spells of lagging, standing still, another fork, or wrong tags. */
export function createViews({
  plan,
  chain,
  random,
  faults,
  now
}: {
  plan: ProviderPlan
  chain: ModelChain
  random: Random
  faults: Faults
  now: () => number
}): () => View {
  const { byHash } = chain
  let mood: Mood = { until: 0, view: truth }

  function truth(): View {
    return { tip: chain.tip(), safe: chain.safe(), finalized: chain.finalized(), byHash }
  }

  function choose(): Mood {
    const allowed = moods.filter(kind => faults.allows(kind))
    if (plan.honest || allowed.length === 0 || random.chance(0.5))
      return { until: now() + random.int(5_000, 120_000), view: truth }
    const kind = random.pick(allowed)
    faults.note(kind, plan.url)
    return { until: now() + random.int(5_000, 300_000), view: viewOf(kind) }
  }

  function viewOf(kind: (typeof moods)[number]): () => View {
    switch (kind) {
      case 'lagging': {
        const lag = random.int(1, 20)
        return () => upTo(ancestorAt(chain.tip(), chain.tip().number - lag) ?? chain.root)
      }
      case 'stale': {
        const frozen = truth()
        return () => frozen
      }
      case 'forked': {
        const side = sideTip()
        return () => upTo(side)
      }
      case 'tags_back': {
        const back = random.int(1, 10)
        const earlier = (block: ModelBlock | undefined) => block && ancestorAt(block, block.number - back)
        return () => ({ ...truth(), safe: earlier(chain.safe()), finalized: earlier(chain.finalized()) })
      }
      case 'tags_elsewhere':
        return () => {
          const { tip } = truth()
          const above = ancestorAt(tip, tip.number - random.int(0, 2)) ?? tip
          const elsewhere = above.parent ? chain.phantom(above) : undefined
          return { ...truth(), safe: elsewhere, finalized: elsewhere }
        }
      default:
        return kind satisfies never
    }
  }

  /** Another branch: one that was there, or one of its own. It shares the finalized block, so that nothing but a reorg can be seen in it. */
  function sideTip(): ModelBlock {
    const there = chain.sideTips()
    if (there.length > 0 && random.chance(0.5)) return random.pick(there)
    const tip = chain.tip()
    const lowest = chain.finalized()?.number ?? chain.root.number
    const fork = ancestorAt(tip, Math.max(lowest, tip.number - random.int(1, 4))) ?? tip
    return chain.mineAside(fork, Math.min(random.int(1, 3), tip.number - fork.number)) // never ahead: depth counts from a head
  }

  /** The true tags, as far as they lie on the branch. */
  function upTo(tip: ModelBlock): View {
    const shared = commonAncestor(tip, chain.tip())
    const on = (block: ModelBlock | undefined) => (block && block.number > shared.number ? shared : block)
    return { tip, safe: on(chain.safe()), finalized: on(chain.finalized()), byHash }
  }

  return () => {
    if (faults.over()) return truth()
    if (now() >= mood.until) mood = choose()
    return mood.view()
  }
}
