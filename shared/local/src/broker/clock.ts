/** Time as the broker sees it, in milliseconds; tests give one that they move by hand. */
export type Clock = {
  now: () => number
  setTimeout: (run: () => void, milliseconds: number) => unknown
  clearTimeout: (handle: unknown) => void
}

export const systemClock: Clock = {
  now: Date.now,
  setTimeout: (run, milliseconds) => setTimeout(run, milliseconds),
  clearTimeout: handle => clearTimeout(handle as NodeJS.Timeout) // only handles of the setTimeout above come back here
}
