import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export type RoundRobin = {
  url: string
  /** Pushes that came while another process had one of the same ordering key; counts anew from 0. */
  takeOverlaps(): number
  close(): Promise<void>
}

/** One address for several processes of a service: each push goes to the next of them. */
export async function startRoundRobin(targets: readonly string[]): Promise<RoundRobin> {
  const inFlight = new Map<string, string[]>()
  let overlaps = 0
  let turn = 0

  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request)
    const target = targets[turn++ % targets.length] ?? ''
    const key: string = JSON.parse(body).message.orderingKey
    const others = inFlight.get(key) ?? []
    if (others.some(other => other !== target)) overlaps++
    inFlight.set(key, [...others, target])
    const { authorization = '' } = request.headers
    const headers = { 'content-type': 'application/json', authorization }
    const status = await fetch(`${target}${request.url}`, { method: 'POST', headers, body }).then(
      answer => answer.status,
      () => 502
    )
    const left = inFlight.get(key) ?? []
    inFlight.set(key, left.toSpliced(left.indexOf(target), 1))
    response.writeHead(status).end()
  }

  const server = createServer(forward).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on TCP
  return {
    url: `http://127.0.0.1:${port}`,
    takeOverlaps() {
      const count = overlaps
      overlaps = 0
      return count
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  }
}
