import { EventEmitter } from 'node:events'
import { connect, type NetConnectOpts } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type postgres from 'postgres'

/*
 * What postgres 3.4.9 does when a connection that is in use closes (connection.js: closed, nextWrite; index.js: begin):
 * - it forgets the socket, but a transaction's callback still writes to it: an uncaught TypeError ends the process;
 * - a write that was scheduled is cancelled yet remembered as scheduled, so that the connection never writes again;
 * - it reconnects the same connection object, so that late statements of the broken transaction run outside any
 *   transaction, and its rollback ends somebody else's;
 * - while connecting, a close without an error is retried at once and without end.
 * So: the driver hears of an error first, and of the close of a connection that was in use only once its whole pool
 * has been ended; by then the driver refuses to write. A fresh pool takes over at once. No broken state is used again.
 */

/** How long what runs on a pool's healthy connections may take to finish after another of its connections broke. */
export const DRAIN_MS = 1_000
/** How long a server may take to close a connection that we ended. */
const CLOSE_MS = 2_000
const CANCEL_REQUEST_BYTES = 16

export type PoolOptions = {
  /** Opens the driver's pool over the given sockets. */
  open(socket: (options: postgres.ParsedOptions) => unknown): postgres.Sql
  /** A server that owes an answer and is silent for so long counts as gone. */
  silenceMs: number
  /** Called once for each pool given up, with what its connection died of. */
  onFault(error: Error): void
}

/** A pool of the driver that is replaced as a whole as soon as one of its connections breaks. */
export function createGuardedPool({ open, silenceMs, onFault }: PoolOptions): postgres.Sql {
  let ended = false
  let current = openPool()

  function openPool(): postgres.Sql {
    let retired: Promise<void> | undefined
    const pool = open(options =>
      guardedSocket({ target: targetOf(options), silenceMs, onBroken: error => (retired ??= retire(error)) })
    )
    const retire = async (error: Error) => {
      onFault(error)
      if (!ended) current = openPool()
      await sleep(DRAIN_MS)
      await pool.end({ timeout: 0 })
    }
    return pool
  }

  const end: postgres.Sql['end'] = options => {
    ended = true
    return current.end({ timeout: 5, ...options })
  }

  return new Proxy(current, {
    apply: (_, __, args) => Reflect.apply(current, undefined, args),
    get: (_, key) => (key === 'end' ? end : Reflect.get(current, key))
  })
}

function targetOf({ path, host, port }: postgres.ParsedOptions): NetConnectOpts {
  return path ? { path } : { host: host[0] ?? 'localhost', port: port[0] ?? 5432 }
}

type SocketOptions = {
  target: NetConnectOpts
  silenceMs: number
  /** The connection broke while in use; resolves when the driver will not write to it any more. */
  onBroken(error: Error): Promise<void>
}

/** What the driver uses of a socket, over a real one. Writes to a dead one are dropped; `close` is told as described above. */
function guardedSocket({ target, silenceMs, onBroken }: SocketOptions) {
  const real = connect(target)
  const requests = countMessages('QS')
  const answers = countMessages('Z')
  let state: 'new' | 'starting' | 'ready' | 'ending' | 'closed' = 'new'
  let unanswered = 0
  let failure: Error | undefined
  const silence = createSilenceTimer(silenceMs, () => {
    const message = `Postgres owed an answer and was silent for ${silenceMs} ms`
    real.destroy(Object.assign(new Error(message), { code: 'ETIMEDOUT' }))
  })

  const socket = Object.assign(new EventEmitter(), {
    ...target,
    readyState: 'open',
    /** Never says that its buffer is full: the driver would then hand out connections that hold a transaction. */
    write(chunk: Buffer): true {
      if (state === 'closed') return true
      unanswered += state === 'new' ? 1 : requests(chunk)
      if (state === 'new') state = chunk.length === CANCEL_REQUEST_BYTES ? 'ending' : 'starting'
      if (unanswered > 0) silence.asked()
      real.write(chunk)
      return true
    },
    end(chunk: Buffer): void {
      state = 'ending'
      if (real.connecting) real.destroy()
      else real.end(chunk)
      setTimeout(() => real.destroy(), CLOSE_MS).unref()
    },
    destroy: () => void real.destroy(),
    pause: () => void real.pause(),
    resume: () => void real.resume(),
    setKeepAlive: (on: boolean, ms: number) => void real.setKeepAlive(on, ms)
  })

  real.on('data', chunk => {
    const answered = answers(chunk)
    unanswered -= answered
    silence.heard({ waiting: unanswered > 0 })
    if (answered > 0 && state === 'starting') state = 'ready'
    socket.emit('data', chunk)
  })
  real.on('error', error => {
    failure = error
  })
  real.on('close', async () => {
    const before = state
    state = 'closed'
    socket.readyState = 'closed'
    silence.heard({ waiting: false })
    if (before === 'ending') {
      socket.emit('close', false)
      return
    }
    const error = failure ?? connectionClosed(target)
    socket.emit('error', error)
    if (before === 'ready') await onBroken(error)
    // Not in this turn: what the driver has scheduled to write must be written (and dropped) before it forgets the socket.
    setImmediate(() => socket.emit('close', true))
  })
  return socket
}

function connectionClosed(target: NetConnectOpts): Error {
  const address = 'path' in target ? target.path : `${target.host}:${target.port}`
  return Object.assign(new Error(`Postgres at ${address} closed the connection`), {
    code: 'CONNECTION_CLOSED',
    address
  })
}

function createSilenceTimer(ms: number, onSilence: () => void) {
  let timer: NodeJS.Timeout | undefined
  let suspect = false
  const check = () => {
    // A process that was frozen finds this timer due before it reads the answer that came meanwhile.
    suspect = true
    setImmediate(() => {
      if (suspect) onSilence()
    })
  }
  return {
    asked(): void {
      timer ??= setTimeout(check, ms)
    },
    heard({ waiting }: { waiting: boolean }): void {
      suspect = false
      if (waiting) timer?.refresh()
      else {
        clearTimeout(timer)
        timer = undefined
      }
    }
  }
}

/** Counts messages of the given types in a stream of frames (type byte, int32 length of the rest), however it is cut. */
export function countMessages(types: string): (chunk: Buffer) => number {
  const wanted = new Set(Buffer.from(types))
  let header = 0
  let length = 0
  let body = 0
  return chunk => {
    let count = 0
    for (let at = 0; at < chunk.length; ) {
      if (body > 0) {
        const skipped = Math.min(body, chunk.length - at)
        body -= skipped
        at += skipped
        continue
      }
      const byte = chunk.readUInt8(at++)
      if (header === 0) count += wanted.has(byte) ? 1 : 0
      else length = length * 256 + byte
      if (++header < 5) continue
      body = length - 4
      header = 0
      length = 0
    }
    return count
  }
}
