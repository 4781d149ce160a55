import type { Clock } from './clock.ts'

/** Things to do later, on one timer however many there are. Nothing is cancelled: what is outdated looks for itself and does nothing. */
export type Agenda = {
  /** Runs at that time (milliseconds since the epoch) or, when it has passed, as soon as possible. */
  at: (time: number, run: () => void) => void
  close: () => void
}

type Item = { time: number; order: number; run: () => void }

/** Timers take at most 2^31 − 1 ms; a longer wait is cut into several. */
const LONGEST_WAIT = 2 ** 31 - 1

export function createAgenda(clock: Clock): Agenda {
  const heap: Item[] = []
  let order = 0
  let timer: { handle: unknown; time: number } | undefined
  let closed = false

  function arm() {
    const first = heap[0]
    if (closed || !first || (timer && timer.time <= first.time)) return
    if (timer) clock.clearTimeout(timer.handle)
    const wait = Math.min(Math.max(0, first.time - clock.now()), LONGEST_WAIT)
    timer = { handle: clock.setTimeout(fire, wait), time: first.time }
  }

  function fire() {
    timer = undefined
    const now = clock.now()
    for (let first = heap[0]; !closed && first && first.time <= now; first = heap[0]) {
      removeFirst(heap)
      first.run()
    }
    arm()
  }

  return {
    at(time, run) {
      insert(heap, { time, order: order++, run })
      arm()
    },
    close() {
      closed = true
      heap.length = 0
      if (timer) clock.clearTimeout(timer.handle)
    }
  }
}

const before = (a: Item, b: Item) => a.time < b.time || (a.time === b.time && a.order < b.order)

function insert(heap: Item[], item: Item) {
  let index = heap.length
  while (index > 0) {
    const parentIndex = (index - 1) >> 1
    const parent = heap[parentIndex]
    if (!parent || before(parent, item)) break
    heap[index] = parent
    index = parentIndex
  }
  heap[index] = item
}

function removeFirst(heap: Item[]) {
  const last = heap.pop()
  if (!last || heap.length === 0) return
  let index = 0
  for (;;) {
    const left = heap[2 * index + 1]
    const right = heap[2 * index + 2]
    const rightIsSmaller = left !== undefined && right !== undefined && before(right, left)
    const child = rightIsSmaller ? right : left
    if (!child || before(last, child)) break
    heap[index] = child
    index = rightIsSmaller ? 2 * index + 2 : 2 * index + 1
  }
  heap[index] = last
}
