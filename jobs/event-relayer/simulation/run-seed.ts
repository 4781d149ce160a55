import type { Protection } from '../src/world.ts'
import { check } from './check.ts'
import type { SimulationDatabase } from './database.ts'
import { createFaults, type FaultKind } from './faults.ts'
import type { Journal } from './journal.ts'
import type { ModelBlock } from './model-block.ts'
import { createModelChain } from './model-chain.ts'
import { createModelProvider } from './model-provider.ts'
import { drawPlan, drawSettings, START } from './plan.ts'
import { createQuietLog } from './quiet-log.ts'
import { createRandom } from './random.ts'
import type { RelayerDeps } from './relayer-process.ts'
import { createScheduler, type Scheduler } from './scheduler.ts'
import { createStage } from './stage.ts'
import { tellStory } from './story.ts'

export type SeedOptions = { seed: number; database: SimulationDatabase; without: ReadonlySet<Protection> }

export type SeedResult = {
  seed: number
  /** What went wrong in the world, and how often. */
  faults: ReadonlyMap<FaultKind, number>
  /** What went wrong with the relayer. */
  violations: string[]
  ticks: number
  messages: number
  /** One line per event: virtual seconds, and what happened. */
  trace: string[]
}

/** Plays one seed: relayers among faults; then all becomes well; then what was published is compared with the truth. */
export async function runSeed({ seed, database, without }: SeedOptions): Promise<SeedResult> {
  const random = (part: string) => createRandom(`${seed} ${part}`)
  const scheduler = createScheduler(START)
  const { now } = scheduler
  const trace: string[] = []
  const tell = (line: string) => void trace.push(`${((now() - START) / 1000).toFixed(3).padStart(10)} ${line}`)

  const plan = drawPlan(random('plan'))
  const faults = createFaults({ allowed: plan.allowed, chance: random('faults').chance, trace: tell })
  const chain = createModelChain({ plan: plan.chain, random: random('chain'), faults, now })
  chain.extend(plan.before)
  const config = { ...drawSettings(random('settings'), plan), ESCROW_FACTORIES: [...chain.truth.factories].join(',') }
  tell(`plan ${JSON.stringify({ ...plan, allowed: [...plan.allowed] })}`)
  tell(`settings ${JSON.stringify(config)}`)
  const providers = plan.providers.map(one =>
    createModelProvider({ plan: one, chain, random: random(one.url), faults, now })
  )
  const journal: Journal = []
  const log = createQuietLog(tell)
  const processes = random('processes')
  const deps: RelayerDeps = { config, database, scheduler, random: processes, faults, journal, providers, without, log }
  await database.reset()

  const stage = createStage({ deps, chain, plan, tell })
  const story = tellStory({ chain, plan, random: random('story'), faults, scheduler, tell })
  const lives = plan.skews.map((skewMs, at) => stage.live({ name: `relayer-${at + 1}`, skewMs, story }))
  await play(scheduler, Promise.all(lives))
  faults.end()
  chain.extend(chain.blocksToRegain() + random('end').int(1, plan.chain.finalDepth + 1))
  tell(`all is well; the tip is ${chain.tip().number}`)
  await play(scheduler, stage.settle())

  const replaced = new Set<ModelBlock>()
  if (plan.allowed.has('beyond_finality') && stage.violations.length === 0) {
    const breaks = random('breaks')
    for (let left = breaks.int(1, 2); left > 0; left -= 1) {
      for (const block of chain.breakFinality(breaks.int(1, 5))) replaced.add(block)
      await play(scheduler, stage.recover())
      await play(scheduler, stage.settle())
    }
  }
  const violations = [...stage.violations, ...(await check({ chain, config, journal, database, replaced }))]
  for (const violation of violations) tell(`VIOLATION ${violation}`)
  return { seed, faults: faults.counts(), violations, ticks: stage.ticks(), messages: journal.length, trace }
}

async function play(scheduler: Scheduler, work: Promise<unknown>): Promise<void> {
  let over = false
  const ended = work.finally(() => {
    over = true
  })
  ended.catch(() => undefined) // thrown below
  await scheduler.run(() => over)
  await ended
}
