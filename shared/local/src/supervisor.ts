import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

/** A deployable's exit code for "trying again can't help". */
const GIVE_UP = 1
const STOP_MS = 10_000

export type SupervisedOptions = {
  name: string
  /** Executable and arguments. */
  command: readonly string[]
  /** The whole environment; nothing is inherited. */
  env: NodeJS.ProcessEnv
  /** Each line that the process writes, to stdout or stderr. */
  onLine?: ((line: string) => void) | undefined
  /** The process ended by itself with code 1, or can't be run: it is not started again. */
  onGiveUp?: ((reason: string) => void) | undefined
  /** The process ended by itself otherwise, by this signal or code: it is started again. */
  onDeath?: ((cause: string) => void) | undefined
  /** Between the end of a process and its next start. */
  restartDelayMs?: number | undefined
}

export type Supervised = {
  readonly name: string
  /** Undefined while it isn't running. */
  readonly pid: number | undefined
  /** How often it has been started again. */
  readonly restarts: number
  kill(signal: NodeJS.Signals): void
  /** SIGTERM, and SIGKILL after 10 s; resolves when the process is gone. */
  stop(): Promise<void>
}

/**
 * Runs a deployable as a child process and starts it again when it dies. If this process is killed, the child's IPC channel
 * disconnects, upon which `run` of shared/runtime shuts it down.
 */
export function supervise(options: SupervisedOptions): Supervised {
  const { name, command, env, onLine, onGiveUp, onDeath, restartDelayMs = 500 } = options
  const [executable = '', ...args] = command
  let child: ChildProcess | undefined
  let timer: NodeJS.Timeout | undefined
  let restarts = 0
  let stopping = false

  const start = () => {
    const started = spawn(executable, args, { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    child = started
    readLines(started.stdout, onLine)
    readLines(started.stderr, onLine)
    started.once('error', error => ended(`${executable} can't be run: ${error.message}`))
    started.once('exit', (code, signal) => {
      if (code !== GIVE_UP && !stopping) onDeath?.(signal ?? `exit code ${code}`)
      ended(code === GIVE_UP ? `exit code ${code}` : undefined)
    })
  }
  const ended = (reason: string | undefined) => {
    child = undefined
    if (stopping) return
    if (reason === undefined) timer = setTimeout(restart, restartDelayMs)
    else onGiveUp?.(reason)
  }
  const restart = () => {
    restarts += 1
    start()
  }

  start()
  return {
    name,
    get pid() {
      return child?.pid
    },
    get restarts() {
      return restarts
    },
    kill: signal => void child?.kill(signal),
    async stop() {
      stopping = true
      clearTimeout(timer)
      if (!child) return
      const running = child
      const exited = once(running, 'exit')
      running.kill('SIGTERM')
      const impatient = setTimeout(() => running.kill('SIGKILL'), STOP_MS)
      await exited
      clearTimeout(impatient)
    }
  }
}

function readLines(stream: Readable | null, onLine: ((line: string) => void) | undefined): void {
  if (!stream) return
  if (onLine) createInterface({ input: stream }).on('line', onLine)
  else stream.resume()
}
