import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from './postgres-cluster.ts'

/** How long processes of a killed server are waited for. */
const HANDOVER_MS = 5_000
const STOP_MS = 10_000
const STILL_RUNNING = /postmaster\.pid" already exists|pre-existing shared memory block/
const LOG_LINES = 20

export type ServerOptions = Cluster & { port: number; durable: boolean; scratch: string }
export type Server = { pid: number; kill(): Promise<void>; stop(): Promise<void> }

/** Starts the server on a data directory; throws with the end of its log if it doesn't come up. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const deadline = performance.now() + HANDOVER_MS
  for (;;) {
    await removeStaleLock(options.data)
    try {
      return await launch(options)
    } catch (error) {
      if (!STILL_RUNNING.test(String(error)) || performance.now() > deadline) throw error
      await sleep(100)
    }
  }
}

async function launch({ bin, data, account, port, durable, scratch }: ServerOptions): Promise<Server> {
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: 200,
    timezone: 'UTC',
    log_timezone: 'UTC',
    // Not synchronous_commit: what was committed must outlive kill -9 of the server, as it does in production.
    ...(durable ? {} : { fsync: 'off', full_page_writes: 'off' })
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  // In a session of its own: Ctrl-C reaches its clients first, and `stop` ends it after them.
  const child = spawn(join(bin, 'postgres'), ['-D', data, ...flags], {
    ...account,
    cwd: '/',
    env: { LC_ALL: 'C' },
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe']
  })
  await ready(child)
  const { pid } = child
  if (pid === undefined) throw new Error('Postgres has no process id')
  const exited = once(child, 'exit')
  const watcher = watchParent({ pid, scratch })
  exited.then(() => watcher.release())
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    await exited
  }
  return {
    pid,
    kill: () => end('SIGKILL'),
    async stop() {
      const impatient = setTimeout(() => child.kill('SIGQUIT'), STOP_MS)
      await end('SIGINT')
      clearTimeout(impatient)
    }
  }
}

async function ready(child: ChildProcess): Promise<void> {
  const log: string[] = []
  const lines = createInterface({ input: child.stderr ?? failNoPipe() })
  await new Promise<void>((resolve, reject) => {
    lines.on('line', line => {
      log.push(line)
      if (log.length > LOG_LINES) log.shift()
      if (line.includes('database system is ready to accept connections')) resolve()
    })
    child.once('error', reject)
    // 'close', not 'exit': its last words are read by then.
    child.once('close', code =>
      reject(new Error(`Postgres ended with code ${code} instead of starting:\n${log.join('\n')}`))
    )
  })
}

function failNoPipe(): never {
  throw new Error('Postgres was started without a pipe for its log')
}

/**
 * Ends the server and removes its temporary files if this process is killed: a shell waits at a pipe that then breaks.
 */
function watchParent({ pid, scratch }: { pid: number; scratch: string }) {
  const script = `read -r _ && exit
    kill -INT "$1"; n=0
    while kill -0 "$1" && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done
    kill -KILL "$1"; rm -rf "$2"`
  const shell = spawn('/bin/sh', ['-c', script, 'sh', String(pid), scratch], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore']
  })
  return { release: () => shell.stdin.end('done\n') }
}

/** A lock file whose process id now belongs to some other program would keep the server from starting. */
async function removeStaleLock(data: string): Promise<void> {
  const lock = join(data, 'postmaster.pid')
  const [pid] = (await readFile(lock, 'utf8').catch(() => '')).split('\n', 1)
  if (!pid) return
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined)
  if (command !== undefined && !command.includes('postgres')) await rm(lock)
}
