/**
 * The answers of `work` in the order of the items, at most `atOnce` of them under way.
 * After a failure no new one begins; it throws the first failure once nothing is under way any more.
 */
export async function mapBounded<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>
): Promise<Result[]> {
  const results: Result[] = []
  const queue = items.entries()
  let failed: { error: unknown } | undefined

  async function worker(): Promise<void> {
    // All workers take from the one iterator, so each item is done once.
    for (const [index, item] of queue) {
      if (failed) return
      try {
        results[index] = await work(item)
      } catch (error) {
        failed ??= { error }
      }
    }
  }

  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker))
  if (failed) throw failed.error
  return results
}
