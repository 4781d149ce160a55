import { setTimeout as sleep } from 'node:timers/promises'

/** How long a test waits for what must come: long even for a busy machine, since waiting costs nothing where it comes. */
export const PATIENCE_MS = 180_000

type Patience = { patienceMs?: number | undefined; everyMs?: number | undefined }

/** True as soon as it holds, false when it doesn't before patience ends. */
export async function holds(
  test: () => unknown,
  { patienceMs = PATIENCE_MS, everyMs = 20 }: Patience = {}
): Promise<boolean> {
  const deadline = performance.now() + patienceMs
  while (!(await test())) {
    if (performance.now() > deadline) return false
    await sleep(everyMs)
  }
  return true
}

/** Resolves as soon as it holds; throws, naming it, when patience ends. */
export async function until(what: string, test: () => unknown, patience?: Patience): Promise<void> {
  if (!(await holds(test, patience))) throw new Error(`waited in vain for ${what}`)
}
