import { setTimeout as sleep } from 'node:timers/promises'

type Patience = { patienceMs: number; everyMs?: number }

/** Whether it holds before patience ends. */
export async function holds(
  test: () => boolean | Promise<boolean>,
  { patienceMs, everyMs = 100 }: Patience
): Promise<boolean> {
  const deadline = performance.now() + patienceMs
  while (!(await test())) {
    if (performance.now() > deadline) return false
    await sleep(everyMs)
  }
  return true
}
