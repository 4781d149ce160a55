import type { Faults } from './faults.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'

/** One process of a relayer as its operating system sees it: it may be killed, or stand still for a while. */
export type Process = {
  name: string
  /** Resolves when it was killed. */
  killed: Promise<void>
  isDead(): boolean
  kill(why: string): void
  freeze(ms: number, where: string): void
  /** Every step outward passes here: a frozen process waits, a dead one never comes back. */
  awake(): Promise<void>
  /** Told when the process dies, or stands still for so long that the server ends its sessions. */
  onLost(listener: () => void): () => void
}

/** Postgres ends a session that is silent within a transaction for so long: `idle_in_transaction_session_timeout`. */
const SESSION_MS = 60_000

export function createProcess({
  name,
  scheduler,
  faults
}: {
  name: string
  scheduler: Scheduler
  faults: Faults
}): Process {
  const { promise: killed, resolve: die } = Promise.withResolvers<void>()
  const listeners = new Set<() => void>()
  let dead = false
  let frozenUntil = 0
  const lose = () => {
    for (const listener of listeners) listener()
  }

  return {
    name,
    killed,
    isDead: () => dead,
    kill(why) {
      if (dead) return
      dead = true
      faults.note('crash', `${name} at ${why}`)
      lose()
      die()
    },
    freeze(ms, where) {
      frozenUntil = Math.max(frozenUntil, scheduler.now() + ms)
      faults.note('freeze', `${name} at ${where} for ${ms} ms`)
      if (ms < SESSION_MS) return
      void scheduler.sleep(SESSION_MS).then(() => {
        if (scheduler.now() < frozenUntil) lose()
      })
    },
    async awake() {
      while (!dead && scheduler.now() < frozenUntil) await scheduler.sleep(frozenUntil - scheduler.now())
      if (dead) await new Promise<never>(() => {})
    },
    onLost(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    }
  }
}

/** A freeze of 10 s to an hour; short ones more often. */
export const freezeLength = (random: Random): number => 10_000 * random.pick([1, 2, 3, 4, 7, 12, 40, 360])
