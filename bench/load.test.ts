import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { postRequest, sendLoad } from './load.ts'

/** Sends the bodies with four at once to a server that answers as told. */
async function send(bodies: readonly string[], answer: (response: ServerResponse, request: IncomingMessage) => void) {
  const received: { body: string; authorization: string | undefined }[] = []
  const sockets = new Set()
  const server = createServer(async (request, response) => {
    sockets.add(request.socket)
    received.push({ body: await text(request), authorization: request.headers.authorization })
    answer(response, request)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // a TCP server that listens has one
  const url = new URL(`http://127.0.0.1:${port}/push`)
  const requests = bodies.map(body => postRequest(url, { token: 'a.b.c', body }))
  try {
    return { loaded: await sendLoad(url, { requests, concurrency: 4 }), received, connections: sockets.size }
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

describe('load', () => {
  const bodies = Array.from({ length: 50 }, (_, index) => JSON.stringify({ index, text: 'ü'.repeat(index) }))

  test('every request arrives once and whole, over as many connections as are asked for', async () => {
    const { loaded, received, connections } = await send(bodies, response => response.writeHead(204).end())
    assert.deepEqual(received.map(one => one.body).sort(), [...bodies].sort())
    assert.ok(received.every(one => one.authorization === 'Bearer a.b.c'))
    assert.equal(connections, 4)
    assert.equal(loaded.latencies.length, bodies.length)
  })

  test('an answer in two parts is one answer', async () => {
    const { loaded } = await send(bodies.slice(0, 8), (_, { socket }) => {
      socket.write('HTTP/1.1 204 No Content\r\nx: y\r')
      setImmediate(() => socket.write('\n\r\n'))
    })
    assert.equal(loaded.latencies.length, 8)
  })

  test('any other answer ends it', async () => {
    let answers = 0
    const sending = send(bodies, response => response.writeHead(++answers === 20 ? 503 : 204).end())
    await assert.rejects(sending, /not answered 204: HTTP\/1.1 503/)
  })

  test('a connection that is closed instead of an answer ends it', async () => {
    await assert.rejects(
      send(bodies, response => void response.destroy()),
      /closed a connection/
    )
  })
})
