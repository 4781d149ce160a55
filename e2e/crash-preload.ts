import { subscribe } from 'node:diagnostics_channel'
import { existsSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { MILESTONES } from '@fusion-prime/runtime'
import { REACHED } from './crash-point.ts'

/*
 * Loaded into a deployable before its main.ts: holds the whole thread at an armed milestone, so that kill -9 finds the process
 * exactly there. `?folder=` of its URL is the folder of its crash point.
 */
const folder = new URL(import.meta.url).searchParams.get('folder') ?? ''
const reached = join(folder, REACHED)
const never = new Int32Array(new SharedArrayBuffer(4))
const POLL_MS = 5

subscribe(MILESTONES, milestone => {
  const armed = join(folder, String(milestone))
  if (!existsSync(armed)) return
  renameSync(armed, reached)
  while (existsSync(reached)) Atomics.wait(never, 0, 0, POLL_MS)
})
