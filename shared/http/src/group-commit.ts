import { setImmediate as nextTurn } from 'node:timers/promises'

/** What became of one item: its result, or the error that is its own. */
type Waiting<Item, Result> = { item: Item; resolve(result: Result): void; reject(error: unknown): void }

export type GroupCommitOptions<Item, Result> = {
  /** One transaction; answers in the order of the items. */
  commit(items: Item[]): Promise<Result[]>
  isItemFault(error: unknown): boolean
  maxBatch: number
}

export type GroupCommit<Item, Result> = {
  submit(item: Item): Promise<Result>
  /** Items that wait or are under way. */
  size(): number
}

/**
 * Items that arrive together, or while a commit is under way, are committed together. When a commit fails with a fault
 * of the data, its batch is split, so that a bad item never fails its neighbours; any other fault fails the batch as one.
 */
export function createGroupCommit<Item, Result>(options: GroupCommitOptions<Item, Result>): GroupCommit<Item, Result> {
  const queue: Waiting<Item, Result>[] = []
  let running = false
  let underWay = 0

  async function commitBatch(batch: Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await options.commit(batch.map(one => one.item))
      for (const [index, one] of batch.entries()) {
        const result = results[index]
        if (result === undefined) one.reject(new Error('the commit gave no answer for an item'))
        else one.resolve(result)
      }
    } catch (error) {
      if (batch.length > 1 && options.isItemFault(error)) {
        const middle = Math.ceil(batch.length / 2)
        await commitBatch(batch.slice(0, middle))
        await commitBatch(batch.slice(middle))
      } else {
        for (const one of batch) one.reject(error)
      }
    }
  }

  /** A commit costs much the same for one item as for many, so it waits for its neighbours until a turn of the event loop brings none. */
  async function gather(): Promise<void> {
    for (let seen = 0; seen < queue.length && queue.length < options.maxBatch; ) {
      seen = queue.length
      await nextTurn()
    }
  }

  async function drain(): Promise<void> {
    running = true
    while (queue.length > 0) {
      await gather()
      const batch = queue.splice(0, options.maxBatch)
      underWay = batch.length
      await commitBatch(batch)
      underWay = 0
    }
    running = false
  }

  return {
    submit(item) {
      const { promise, resolve, reject } = Promise.withResolvers<Result>()
      queue.push({ item, resolve, reject })
      if (!running) void drain()
      return promise
    },
    size: () => queue.length + underWay
  }
}
