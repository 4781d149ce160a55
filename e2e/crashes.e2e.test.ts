import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { holds } from '@fusion-prime/local/testing/wait.ts'
import { type DeployableName, deployableNames } from '../shared/local/src/deployables.ts'
import { type Stack, type StackOptions, startStack } from '../shared/local/src/stack.ts'
import { type Figures, inspect, isFinal } from './crash-check.ts'
import { kill9, type Scene } from './crash-kill.ts'
import { startLoad } from './crash-load.ts'
import { type CrashPoint, createCrashPoint } from './crash-point.ts'
import { killPostgres } from './crash-postgres.ts'
import { createRandom, type Kill, shuffled, twelveKills } from './crash-script.ts'
import { mine } from './escrow-lives.ts'

/*
 * Real processes, killed with SIGKILL in the midst of work. CRASH_SEED=<number> replays a run's script; which moment a kill hits
 * is up to the machine, but for the crash points.
 */
const seed = Number(process.env.CRASH_SEED ?? randomInt(2 ** 31))
/** Blocks upon one that is final. */
const FINAL_AFTER = 9
/** Between two kills. */
const PAUSE_MS = 1_000
/** Short, so that what a dead process refused comes again soon. */
const retry = { minimumBackoffSeconds: 0.1, maximumBackoffSeconds: 1 }

test(
  'twelve kills among all processes, then of Postgres: nothing is lost, doubled or invented',
  { timeout: 900_000 },
  t =>
    inFolder(async folder => {
      const points = byName(name => createCrashPoint(join(folder, name)))
      const preload = Object.fromEntries(deployableNames.map(name => [name, points[name].preload]))
      const stack = await startStack({ retry, preload, onLog: lastWords(t) })
      const figures = await perform(t, { stack, points, atOnce: 40, kills: twelveKills, finale: killPostgres })
      assert.ok(
        figures.duplicates.settlement > 0,
        'killed between commit and answer, settlement was told nothing twice'
      )
      assert.ok(
        figures.publishedAgain > 0,
        'killed between publishing and marking, the relayer published nothing twice'
      )
    })
)

test('the same with one process for all, killed three times', { timeout: 900_000 }, t =>
  inFolder(async folder => {
    const point = createCrashPoint(join(folder, 'one-process'))
    const kills: Kill[] = [
      { victim: 'event-relayer', at: 'relayer_writing' },
      { victim: 'settlement', at: 'batch_committed' },
      { victim: 'settlement' }
    ]
    const stack = await withNodeOption(`--import=${point.preload}`, () =>
      startStack({ retry, oneProcess: true, onLog: lastWords(t) })
    )
    const { duplicates } = await perform(t, { stack, points: byName(() => point), atOnce: 20, kills })
    assert.notDeepEqual(
      new Set(Object.values(duplicates)),
      new Set([0]),
      'killed between commit and answer, none came twice'
    )
  })
)

/** What a process says that ends, or that its runtime says of it. */
const lastWords =
  (t: TestContext): NonNullable<StackOptions['onLog']> =>
  (name, entry, line) => {
    if (entry === undefined || entry.severity === 'CRITICAL') t.diagnostic(`${name}: ${line}`)
  }

type Play = {
  stack: Stack
  points: Scene['points']
  /** Escrows under way. */
  atOnce: number
  kills: readonly Kill[]
  finale?(scene: Scene): Promise<void>
}

async function perform(t: TestContext, { stack, points, atOnce, kills, finale }: Play): Promise<Figures> {
  const random = createRandom(seed)
  const scene: Scene = { stack, points, random, say: line => t.diagnostic(line) }
  try {
    t.diagnostic(`CRASH_SEED=${seed}`)
    const load = startLoad(stack, { atOnce, random: createRandom(seed + 1) })
    const play = async () => {
      for (const kill of shuffled(kills, random)) {
        await kill9(kill, scene)
        await sleep(random() * PAUSE_MS)
      }
      await finale?.(scene)
    }
    await Promise.race([play(), load.broken, stack.processes.gaveUp])
    await load.stop()
    await mine(stack.chain.rpcUrl, FINAL_AFTER)
    // If it doesn't come to that, the findings say why.
    await holds(() => isFinal(stack), { everyMs: 500 })
    const { faults, ...figures } = await inspect(stack)
    t.diagnostic(`${kills.length} kills: ${JSON.stringify(figures)}`)
    assert.deepEqual(faults, [])
    const restarts = new Set(Object.values(stack.processes.byName)).values().map(one => one.restarts)
    assert.equal(
      restarts.reduce((sum, count) => sum + count),
      kills.length,
      'a process ended by itself'
    )
    return figures
  } finally {
    await stack.stop()
  }
}

function byName(create: (name: DeployableName) => CrashPoint): Scene['points'] {
  // An entry for each name.
  return Object.fromEntries(deployableNames.map(name => [name, create(name)])) as Record<DeployableName, CrashPoint>
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'fusion-prime-crashes-'))
  try {
    await work(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** For what the stack starts meanwhile, and for its restarts. */
async function withNodeOption<Result>(option: string, work: () => Promise<Result>): Promise<Result> {
  const { NODE_OPTIONS } = process.env
  process.env.NODE_OPTIONS = [NODE_OPTIONS, option].filter(Boolean).join(' ')
  try {
    return await work()
  } finally {
    if (NODE_OPTIONS === undefined) delete process.env.NODE_OPTIONS
    else process.env.NODE_OPTIONS = NODE_OPTIONS
  }
}
