import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Milestone } from '@fusion-prime/runtime'

/** The file that says: a process stands at the milestone that was armed, until the file is gone. */
export const REACHED = 'reached'

/** A place where a deployable can be held, to be killed there. */
export type CrashPoint = {
  /** The module that the deployable has to load first. */
  preload: string
  /** The next process that comes to the milestone stays there. */
  arm(milestone: Milestone): void
  isReached(): boolean
  /** Lets it go on, if it still lives. */
  release(): void
}

/** The folder is how the two processes talk; it needs neither a port nor a channel of the process that is held. */
export function createCrashPoint(folder: string): CrashPoint {
  mkdirSync(folder)
  const preload = new URL('./crash-preload.ts', import.meta.url)
  preload.searchParams.set('folder', folder)
  return {
    preload: preload.href,
    arm: milestone => writeFileSync(join(folder, milestone), ''),
    isReached: () => existsSync(join(folder, REACHED)),
    release: () => rmSync(join(folder, REACHED), { force: true })
  }
}
