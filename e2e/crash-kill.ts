import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { holds, until } from '@fusion-prime/local/testing/wait.ts'
import { createSql } from '@fusion-prime/postgres'
import type { DeployableName } from '../shared/local/src/deployables.ts'
import type { Stack } from '../shared/local/src/stack.ts'
import type { CrashPoint } from './crash-point.ts'
import type { Kill, Random } from './crash-script.ts'
import { MANY, unanswered } from './crash-unanswered.ts'

export type Scene = {
  stack: Stack
  points: Readonly<Record<DeployableName, CrashPoint>>
  random: Random
  /** A line for the reader of the test's output. */
  say(line: string): void
}

/** A kill that becomes due comes up to so much later, so that it hits any moment of the work. */
const WAVER_MS = 20
/** How long messages may take to pile up before a process that is held. */
const PILE_MS = 2_500

/** Waits until the victim is in the midst of work, sends kill -9, and waits until it is back. */
export async function kill9({ victim, at }: Kill, scene: Scene): Promise<void> {
  const { stack, points, say } = scene
  const supervised = stack.processes.byName[victim]
  const { restarts } = supervised
  const moment = at ? await heldAt({ victim, at }, scene) : await whileUnanswered(victim, scene)
  say(`kill -9 ${supervised.name} (pid ${supervised.pid}) ${moment}`)
  supervised.kill('SIGKILL')
  points[victim].release()
  await until(`${victim} to be started again`, () => supervised.restarts === restarts + 1 && !!supervised.pid)
  await stack.processes.ready()
}

async function whileUnanswered(victim: DeployableName, { stack, random }: Scene): Promise<string> {
  for (;;) {
    await untilMany(stack, victim)
    await sleep(random() * WAVER_MS)
    const count = unanswered(stack, victim)
    if (count >= MANY) return `while ${count} messages are unanswered`
  }
}

const untilMany = (stack: Stack, victim: DeployableName): Promise<void> =>
  until(`${MANY} unanswered messages`, () => unanswered(stack, victim) >= MANY, { everyMs: 1 })

/** At a crash point the process stands still, and so nothing can move it out of the moment that is described. */
async function heldAt({ victim, at }: Required<Kill>, { stack, points }: Scene): Promise<string> {
  const point = points[victim]
  for (;;) {
    // One process for all makes no more while it stands still.
    if (at !== 'relayer_writing') await untilMany(stack, victim)
    point.arm(at)
    await until(`${victim} to reach ${at}`, point.isReached, { everyMs: 1 })
    if (at === 'relayer_writing') {
      assert.ok(await isWriting(stack), 'the relayer stands in its write, but Postgres knows of no such transaction')
      return `inside the relayer’s write, with ${unanswered(stack, victim)} messages unanswered`
    }
    if (await holds(() => unanswered(stack, victim) >= MANY, { patienceMs: PILE_MS }))
      return `at ${at}, while ${unanswered(stack, victim)} messages are unanswered`
    point.release()
  }
}

/** Whether Postgres has a transaction of the relayer that has written and waits for its next statement. */
async function isWriting({ postgres }: Stack): Promise<boolean> {
  const sql = createSql({ url: postgres.adminUrl, max: 1, applicationName: 'crashes' })
  try {
    const rows = await sql`
      select 1 from pg_stat_activity
      where datname = 'relayer_db' and state = 'idle in transaction' and backend_xid is not null`
    return rows.length > 0
  } finally {
    await sql.end()
  }
}
