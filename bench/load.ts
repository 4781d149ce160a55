import { connect, type Socket } from 'node:net'

export type Load = {
  /** Each is sent once. */
  requests: readonly Buffer[]
  /** Connections, each with one request under way. */
  concurrency: number
}

/** `seconds` from the first request to the last answer; `latencies` of each request in milliseconds. */
export type Loaded = { seconds: number; latencies: number[] }

/** A POST of JSON as it goes over the wire. */
export function postRequest(url: URL, { token, body }: { token: string; body: string }): Buffer {
  const head = [
    `POST ${url.pathname} HTTP/1.1`,
    `host: ${url.host}`,
    `authorization: Bearer ${token}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`
  ]
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`)
}

/**
 * Sends every request once over keep-alive connections and throws at an answer that isn't 204. It writes to sockets itself, since an
 * HTTP client would take as much of the machine as the endpoint that is measured; an answer 204 ends with its head.
 */
export async function sendLoad(url: URL, { requests, concurrency }: Load): Promise<Loaded> {
  const sockets = await Promise.all(Array.from({ length: concurrency }, () => open(url)))
  try {
    const latencies: number[] = []
    const waiting = requests.values()
    const startedAt = performance.now()
    await Promise.all(
      sockets.map(async socket => {
        for (const request of waiting) {
          const sentAt = performance.now()
          await exchange(socket, request)
          latencies.push(performance.now() - sentAt)
        }
      })
    )
    return { seconds: (performance.now() - startedAt) / 1_000, latencies }
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

async function open({ hostname, port }: URL): Promise<Socket> {
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  return socket.setEncoding('latin1')
}

function exchange(socket: Socket, request: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const end = (fault?: Error) => {
      socket.off('data', read).off('close', closed)
      if (fault) reject(fault)
      else resolve()
    }
    const read = (text: string) => {
      answer += text
      if (!answer.includes('\r\n\r\n')) return
      end(answer.startsWith('HTTP/1.1 204 ') ? undefined : new Error(`a push was not answered 204: ${answer}`))
    }
    const closed = () => end(new Error(`the endpoint closed a connection that waited for its answer: ${answer}`))
    socket.on('data', read).once('close', closed)
    socket.write(request)
  })
}
