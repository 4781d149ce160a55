import { setFlagsFromString } from 'node:v8'

/**
 * Ranges make much short-lived garbage. Left alone, V8 lets it grow as large as the machine allows; so bounded, the heap follows what is
 * alive, at some more processor time. V8 reads both flags whenever it collects, so they may be set at the start of the process.
 */
export function boundHeap(): void {
  setFlagsFromString('--heap-growing-percent=60')
  setFlagsFromString('--semi-space-growth-factor=1')
}
