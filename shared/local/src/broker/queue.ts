/** First in, first out in constant time, and things can be put back in front. */
export type Queue<T> = {
  readonly length: number
  push: (item: T) => void
  /** Puts items in front, the first of them foremost. */
  putBack: (items: readonly T[]) => void
  shift: () => T | undefined
  values: () => IterableIterator<T>
}

export function createQueue<T>(): Queue<T> {
  let front: T[] = [] // reversed: its last item is the queue's first
  let back: T[] = []
  return {
    get length() {
      return front.length + back.length
    },
    push: item => void back.push(item),
    putBack(items) {
      for (let index = items.length - 1; index >= 0; index--) front.push(items[index] as T) // the index is in range
    },
    shift() {
      if (front.length === 0) {
        front = back.reverse()
        back = []
      }
      return front.pop()
    },
    *values() {
      yield* front.toReversed()
      yield* back
    }
  }
}
