import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool } from '@fusion-prime/postgres'
import { deployables } from '../shared/local/src/deployables.ts'

const POLL_MS = 20
/** Linux's USER_HZ. */
const TICKS_PER_SECOND = 100
/** As much of a log as an error shows. */
const LOG_BYTES = 2_000

export type TickOptions = {
  env: Record<string, string>
  /** Of the relayer's database, for looking on. */
  sql: Pool
  /** For its log and profile. */
  folder: string
  profile: 'profile' | 'plain'
}

/** Seconds from exec to the last commit, and to the last message's being published. */
export type TickFigures = { commitSeconds: number; publishSeconds: number } & Usage

/** The process's time on a processor, user's and system's, and its peak of resident memory; undefined where there is no /proc. */
type Usage = { cpuSeconds: number | undefined; peakBytes: number | undefined }

type Sample = { state: string; waiting: boolean }

/** Runs the relayer for one tick, in a process of its own, and looks on every 20 ms. Throws with the end of its log unless it exits 0. */
export async function runTick({ env, sql, folder, profile }: TickOptions): Promise<TickFigures> {
  const profiling = profile === 'profile' ? ['--cpu-prof', '--cpu-prof-dir', folder] : []
  const path = join(folder, 'relayer.log')
  await using log = await open(path, 'w')
  const before = await look(sql)
  const startedAt = performance.now()
  const { flags, main } = deployables['event-relayer']
  const child = spawn(process.execPath, [...profiling, ...flags, main, '--mode=tick'], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', log.fd, log.fd]
  })
  using _ended = { [Symbol.dispose]: () => void child.kill('SIGKILL') }
  const figures = await watch(child, { sql, before, startedAt })
  if (child.exitCode === 0) return figures
  const end = (await readFile(path, 'utf8')).slice(-LOG_BYTES)
  throw new Error(`the relayer ended with ${child.exitCode ?? child.signalCode}; the end of its log:\n${end}`)
}

async function watch(
  child: ChildProcess,
  { sql, before, startedAt }: { sql: Pool; before: Sample; startedAt: number }
): Promise<TickFigures> {
  const exited = once(child, 'exit')
  const figures: TickFigures = { commitSeconds: 0, publishSeconds: 0, cpuSeconds: undefined, peakBytes: undefined }
  let last = before
  for (let running = true; running; ) {
    running = await Promise.race([exited.then(() => false), sleep(POLL_MS, true)])
    if (child.exitCode === null) Object.assign(figures, await readUsage(child.pid))
    const sample = await look(sql)
    const seconds = (performance.now() - startedAt) / 1_000
    if (sample.state !== last.state) figures.commitSeconds = seconds
    if (sample.state !== last.state || sample.waiting || last.waiting) figures.publishSeconds = seconds
    last = sample
  }
  return figures
}

/** Every commit of a range moves the checkpoint, every rise of a fact adds to the outbox. */
async function look(sql: Pool): Promise<Sample> {
  const [row] = await sql<{ block: string | null; seq: string | null; waiting: boolean }[]>`
    select
      (select max(block_number) from checkpoints) as block,
      (select max(seq) from outbox) as seq,
      exists (select from outbox where published_at is null) as waiting`
  return { state: `${row?.block} ${row?.seq}`, waiting: row?.waiting ?? false }
}

/** Nothing where there is no /proc, and of a process that has ended. */
async function readUsage(pid: number | undefined): Promise<Partial<Usage>> {
  const read = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(await read('status'))?.[1]
  // Behind the name in parentheses come the state and 10 figures that aren't needed here, then utime and stime.
  const ticks = /^.*\) \S+(?: \S+){10} (\d+) (\d+) /s.exec(await read('stat'))
  if (kilobytes === undefined || ticks === null) return {}
  const cpuSeconds = (Number(ticks[1]) + Number(ticks[2])) / TICKS_PER_SECOND
  return { cpuSeconds, peakBytes: Number(kilobytes) * 1_024 }
}
