/** Virtual time: one event runs at a time, and the next one only when all that it set going is over. */
export type Scheduler = {
  /** Milliseconds since the epoch. */
  now(): number
  sleep(ms: number): Promise<void>
  /** Runs events in the order of their times until `done`; throws when nothing is left to wait for. */
  run(done: () => boolean): Promise<void>
  /** Counts work outside of virtual time, the database's, as under way until it settles. */
  outside<T>(work: Promise<T>): Promise<T>
}

type Event = { at: number; sequence: number; wake: () => void }

export function createScheduler(start: number): Scheduler {
  const events: Event[] = []
  let now = start
  let sequence = 0
  let underWay = 0
  let quiet: (() => void) | undefined

  /** Until every promise that can go on without a later event has gone on. */
  async function settle(): Promise<void> {
    for (;;) {
      await new Promise<void>(resolve => setImmediate(resolve))
      if (underWay === 0) return
      await new Promise<void>(resolve => {
        quiet = resolve
      })
    }
  }

  function takeNext(): Event {
    const next = events.reduce<Event | undefined>((a, b) => (a && isBefore(a, b) ? a : b), undefined)
    if (!next) throw new Error('the simulation waits for something that no event brings')
    events.splice(events.indexOf(next), 1)
    return next
  }

  return {
    now: () => now,
    sleep: ms => new Promise(wake => events.push({ at: now + Math.max(0, ms), sequence: sequence++, wake })),
    async run(done) {
      await settle()
      while (!done()) {
        const next = takeNext()
        now = next.at
        next.wake()
        await settle()
      }
    },
    outside(work) {
      underWay += 1
      return work.finally(() => {
        underWay -= 1
        if (underWay === 0) quiet?.()
      })
    }
  }
}

const isBefore = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.sequence < b.sequence)
