import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { PATIENCE_MS } from '@fusion-prime/local/testing/wait.ts'
import type { Settings } from './stage.ts'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
/** A relayer that hasn't ended by then never will. */
const END_MS = PATIENCE_MS

/** How a relayer ended, and all that it wrote. */
export type Ending = { code: number | null; signal: NodeJS.Signals | null; output: string; milliseconds: number }

export type Relayer = {
  readonly pid: number
  /** What it wrote so far. */
  output(): string
  ended: Promise<Ending>
  kill(signal: NodeJS.Signals): void
  /** SIGTERM; rejects when that doesn't end it. */
  stop(): Promise<Ending>
}

/** Starts the real relayer as a process of its own, which ends with this one. */
export function startRelayer(args: readonly string[], settings: Settings): Relayer {
  const { PATH = '', HOME = '', NODE_COMPILE_CACHE, NODE_V8_COVERAGE } = process.env
  const env = {
    PATH,
    HOME,
    ...(NODE_COMPILE_CACHE && { NODE_COMPILE_CACHE }),
    ...(NODE_V8_COVERAGE && { NODE_V8_COVERAGE }),
    ...settings
  }
  const startedAt = performance.now()
  const child = spawn(process.execPath, [main, ...args], { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr])
    if (stream) createInterface({ input: stream }).on('line', line => void lines.push(line))
  const ended = endOf(child).then(({ code, signal }) => ({
    code,
    signal,
    output: lines.join('\n'),
    milliseconds: performance.now() - startedAt
  }))
  return {
    pid: child.pid ?? 0,
    output: () => lines.join('\n'),
    ended,
    kill: signal => void child.kill(signal),
    async stop() {
      child.kill('SIGCONT')
      child.kill('SIGTERM')
      return within(ended, { child, lines })
    }
  }
}

/** Runs the relayer to its end. */
export async function runRelayer(args: readonly string[], settings: Settings): Promise<Ending> {
  const relayer = startRelayer(args, settings)
  const late = new AbortController()
  const timer = sleep(END_MS, undefined, { signal: late.signal, ref: false }).then(
    () => relayer.kill('SIGKILL'),
    () => undefined
  )
  const ending = await relayer.ended
  late.abort()
  await timer
  return ending
}

async function endOf(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  const [code, signal] = await once(child, 'close')
  return { code, signal }
}

async function within(ended: Promise<Ending>, { child, lines }: { child: ChildProcess; lines: readonly string[] }) {
  const late = setTimeout(() => child.kill('SIGKILL'), END_MS)
  const ending = await ended
  clearTimeout(late)
  if (ending.signal === 'SIGKILL') throw new Error(`the relayer didn't end: ${lines.slice(-5).join('\n')}`)
  return ending
}
