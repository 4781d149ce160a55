import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { createBoundedFetch } from './bounded-fetch.ts'

let url: string
const server = createServer((request, response) => {
  request.resume()
  switch (request.url) {
    case '/ok':
      return response.end('{}')
    case '/moved':
      return response.writeHead(302, { location: '/ok' }).end()
    case '/busy':
      return response.writeHead(503).end('later')
    case '/half':
      return response.writeHead(200).write('{') // and never the rest
    case '/endless': {
      const more = () => {
        while (response.write(Buffer.alloc(65_536))) if (response.destroyed) return
        response.once('drain', more)
      }
      response.on('close', () => response.removeAllListeners('drain'))
      return more()
    }
    default: // never an answer
  }
})

before(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address && typeof address === 'object')
  url = `http://127.0.0.1:${address.port}`
})
after(() => {
  server.closeAllConnections()
  server.close()
})

test('it answers with the body', async () => {
  const response = await createBoundedFetch(5_000)(`${url}/ok`)
  assert.deepEqual(await response.json(), {})
})

const faults: [path: string, code: string, timeoutMs: number][] = [
  ['/busy', 'http_503', 5_000],
  ['/moved', 'unreachable', 5_000],
  ['/endless', 'too_large', 5_000],
  ['/half', 'timeout', 200],
  ['/silent', 'timeout', 200]
]
for (const [path, code, timeoutMs] of faults) {
  test(`${path} is ${code}`, async () => {
    await assert.rejects(createBoundedFetch(timeoutMs)(url + path), { name: 'SourceError', code })
  })
}

test('nobody there is unreachable, and the error names no address', async () => {
  const error = await createBoundedFetch(5_000)('http://127.0.0.1:1/secret-key').catch((error: unknown) => error)
  assert.ok(error instanceof Error && 'code' in error)
  assert.equal(error.code, 'unreachable')
  assert.doesNotMatch(error.message, /127\.0\.0\.1|secret/)
})
