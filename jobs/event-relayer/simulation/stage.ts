import { describeError, PermanentError } from '@fusion-prime/runtime'
import { Halted } from '../src/relay.ts'
import { resume } from '../src/resume.ts'
import type { ModelChain } from './model-chain.ts'
import type { Plan } from './plan.ts'
import { type RelayerDeps, type RelayerProcess, startRelayerProcess } from './relayer-process.ts'
import type { Story } from './story.ts'

/** Ticks that one relayer makes at most while things go wrong. */
const MAX_TICKS = 40
/** Ticks within which all must be done once nothing goes wrong any more; and the pause between two, longer than any lease. */
const SETTLE_TICKS = 40
const SETTLE_PAUSE_MS = 60_000

/** Where relayers tick, die and are started again. */
export type Stage = {
  /** Errors that should never have been. */
  violations: string[]
  ticks(): number
  /** One relayer's life until the story has ended. */
  live(relayer: { name: string; skewMs: number; story: Story }): Promise<void>
  /** Ticks until nothing is left to do; once all is well. */
  settle(): Promise<void>
  /** Ticks until a relayer halts, and does what its operator is told to. */
  recover(): Promise<void>
}

type Ticked = { kind: 'done'; idle: boolean } | { kind: 'failed'; error: unknown } | { kind: 'died' }

export function createStage({
  deps,
  chain,
  plan,
  tell
}: {
  deps: RelayerDeps
  chain: ModelChain
  plan: Plan
  tell: (line: string) => void
}): Stage {
  const { scheduler, random, faults, journal, database } = deps
  const violations: string[] = []
  const running = new Map<string, RelayerProcess>()
  const survivor = { name: 'relayer-1', skewMs: plan.skews[0] ?? 0 }
  let ticks = 0
  let lives = 0

  function processOf({ name, skewMs }: { name: string; skewMs: number }): RelayerProcess {
    const known = running.get(name)
    if (known && !known.process.isDead()) return known
    lives += 1
    const started = startRelayerProcess(deps, { name: `${name}.${lives}`, skewMs })
    running.set(name, started)
    return started
  }

  async function tick({ process, relayer }: RelayerProcess): Promise<Ticked> {
    ticks += 1
    const stop = new AbortController()
    if (faults.strikes('stop', 0.05)) {
      faults.note('stop', process.name)
      void scheduler.sleep(random.int(0, 3_000)).then(() => stop.abort())
    }
    const work = relayer.tick(stop.signal).then(
      (done): Ticked => {
        tell(`${process.name} ticked ${JSON.stringify(done)}`)
        return { kind: 'done', idle: !done.held && done.unpublished === 0 && done.behind === 0 }
      },
      (error): Ticked => {
        tell(`${process.name} failed: ${describeError(error)}`)
        return { kind: 'failed', error }
      }
    )
    return Promise.race([work, process.killed.then((): Ticked => ({ kind: 'died' }))])
  }

  /** As `tick`, where nobody should halt. */
  async function tickWell(relayer: RelayerProcess): Promise<Ticked> {
    const ticked = await tick(relayer)
    if (ticked.kind === 'failed' && isBug(ticked.error)) violations.push(`broken: ${describeError(ticked.error)}`)
    return ticked
  }

  async function isCaughtUp(): Promise<boolean> {
    const read = database.sql<{ block_hash: string }[]>`select block_hash from checkpoints`
    const [checkpoint] = await scheduler.outside(read)
    return checkpoint?.block_hash === chain.tip().hash
  }

  async function untilHalted(): Promise<Halted | undefined> {
    for (let count = 0; count < SETTLE_TICKS; count++) {
      await scheduler.sleep(SETTLE_PAUSE_MS)
      const ticked = await tick(processOf(survivor))
      if (ticked.kind === 'failed' && ticked.error instanceof Halted) return ticked.error
    }
    return undefined
  }

  return {
    violations,
    ticks: () => ticks,
    async live({ name, skewMs, story }) {
      await scheduler.sleep(random.int(0, 10_000))
      for (let count = 0; count < MAX_TICKS && violations.length === 0; count++) {
        await tickWell(processOf({ name, skewMs }))
        if (story.ended() && count > 4) return
        await scheduler.sleep(random.pick([500, 1_000, 5_000, 15_000, 40_000]))
      }
    },
    async settle() {
      for (let count = 0; count < SETTLE_TICKS && violations.length === 0; count++) {
        await scheduler.sleep(SETTLE_PAUSE_MS)
        const before = journal.length
        const ticked = await tickWell(processOf(survivor))
        if (ticked.kind === 'done' && ticked.idle && journal.length === before && (await isCaughtUp())) return
      }
      violations.push(`not quiet after ${SETTLE_TICKS} ticks with nothing wrong`)
    },
    async recover() {
      const first = await untilHalted()
      const again = first && (await untilHalted())
      if (!first || first.message !== again?.message) {
        violations.push(`a final block was replaced, and the relayer ${first ? 'did not stay halted' : 'went on'}`)
        return
      }
      const { relayer } = processOf(survivor)
      const { resume_from } = first.halt
      const done = await resume(relayer.relayer, { fromBlock: resume_from, mode: 'confirmed' })
      tell(`operator resumed: ${JSON.stringify(done)}`)
    }
  }
}

/** Giving up where nobody should, a fault of the program, or data that the database refuses. */
function isBug(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return (
    error instanceof PermanentError ||
    error instanceof TypeError ||
    error instanceof RangeError ||
    error instanceof ReferenceError ||
    /^(22|23|42)...$/.test(code)
  )
}
