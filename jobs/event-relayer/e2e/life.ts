import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../../e2e/crash-script.ts'
import type { Driver } from './driver.ts'

export type Life = {
  readonly reorgs: number
  /** In blocks. */
  readonly deepest: number
  /** Rejects if something broke meanwhile. */
  stop(): Promise<void>
}

export type LifeOptions = { random: Random; blockMs: number; reorgChance: number; deepestReorg: number }

/** Blocks with lives in them, and reorgs, until stopped. */
export function startLife(driver: Driver, { random, blockMs, reorgChance, deepestReorg }: LifeOptions): Life {
  let reorgs = 0
  let deepest = 0
  let stopped = false
  async function live(): Promise<void> {
    while (!stopped) {
      if (random() < reorgChance) {
        const depth = 1 + Math.floor(random() * deepestReorg)
        await driver.reorg(depth)
        reorgs += 1
        deepest = Math.max(deepest, depth)
      } else await driver.play(1)
      await sleep(blockMs)
    }
  }
  const ended = live()
  ended.catch(() => undefined) // told by stop
  return {
    get reorgs() {
      return reorgs
    },
    get deepest() {
      return deepest
    },
    async stop() {
      stopped = true
      await ended
    }
  }
}
