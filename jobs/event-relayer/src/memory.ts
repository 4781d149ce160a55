import { setFlagsFromString } from 'node:v8'

/** For node's command line, since V8 reads the young generation's size (MB) at its start alone. */
export const heapFlags: readonly string[] = ['--max-semi-space-size=8']

/**
 * Ranges make much short-lived garbage. Left alone, V8 lets it grow as large as the machine allows; so bounded, the heap follows what is
 * alive, at some more processor time. V8 reads both flags whenever it collects, so they may be set at the start of the process.
 */
export function boundHeap(): void {
  setFlagsFromString('--heap-growing-percent=40')
  // Without a bound of its own the young generation is kept at its first size, 1 MB: that is slower, but as small.
  if (!isYoungBounded()) setFlagsFromString('--semi-space-growth-factor=1')
}

const isYoungBounded = (): boolean =>
  [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some(option => option.includes('--max-semi-space-size'))
