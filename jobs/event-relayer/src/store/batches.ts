/** Rows that one statement writes: the server has the first ones soon, and only so much is held twice. */
const BATCH = 256

export function* batches<Item>(items: readonly Item[]): Generator<Item[]> {
  for (let at = 0; at < items.length; at += BATCH) yield items.slice(at, at + BATCH)
}
