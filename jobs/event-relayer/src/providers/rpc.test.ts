import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type Advice, connectRpc, RpcFault } from './rpc.ts'

type Request = { id: number; method: string; params: unknown[] }
type Handler = (body: Request | Request[], response: ServerResponse, request: IncomingMessage) => void

/** A provider on a free port that answers as the handler says. */
async function provider(context: TestContext, handle: Handler) {
  const requests: (Request | Request[])[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = JSON.parse(Buffer.concat(chunks).toString())
    requests.push(body)
    handle(body, response, request)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo // a TCP server's
  const url = `http://user:s3cretpassword@127.0.0.1:${port}/v2/k3yk3yk3yk3y`
  return { requests, url, rpc: connectRpc({ url, timeoutMs: 300, maxBytes: 10_000 }) }
}

const echo = ({ id, params }: Request) => ({ jsonrpc: '2.0', id, result: params[0] })
const json = (response: ServerResponse, body: unknown) => response.end(JSON.stringify(body))
const all: Handler = (body, response) => json(response, Array.isArray(body) ? body.map(echo) : echo(body))

async function faultOf(call: Promise<unknown>): Promise<RpcFault> {
  const error = await call.then(
    () => undefined,
    (error: unknown) => error
  )
  assert.ok(error instanceof RpcFault, `${error} is no RpcFault`)
  assert.doesNotMatch(`${error.message} ${error.cause}`, /s3cret|k3y/)
  return error
}

test('calls of one turn share a request, large ones go alone, and the answers may come in any order', async context => {
  const { rpc, requests } = await provider(context, (body, response) =>
    Array.isArray(body) ? json(response, body.map(echo).reverse()) : json(response, echo(body))
  )
  const calls = [rpc('a', [1]), rpc('eth_getLogs', [2]), rpc('b', [3]), rpc('eth_getBlockReceipts', [4]), rpc('c', [5])]
  assert.deepEqual(await Promise.all(calls), [1, 2, 3, 4, 5])
  assert.deepEqual(requests.map(body => (Array.isArray(body) ? body.length : 1)).sort(), [1, 1, 3])
})

test('whatever an answer does to its reader, it is the provider’s fault', async context => {
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
  const odd = '{"toString":1,"valueOf":1}'
  const bodies = [
    deep,
    `{"id":1,"error":"refused","data":${deep}}`,
    `{"id":1,"error":{"code":1,"message":${odd}}}`,
    `{"id":1,"error":{"code":${odd},"message":"refused"}}`
  ]
  for (const body of bodies) {
    const { url } = await provider(context, (_, response) => response.end(body))
    const { advice } = await faultOf(connectRpc({ url, timeoutMs: 60_000, maxBytes: 1_000_000 })('a', []))
    assert.deepEqual(advice, { kind: 'retry' })
  }
})

test('null is an answer', async context => {
  const { rpc } = await provider(context, all)
  assert.equal(await rpc('eth_getBlockByNumber', [null]), null)
})

test('at most eight requests are under way, and all are answered', async context => {
  let now = 0
  let most = 0
  const { rpc } = await provider(context, (body, response) => {
    most = Math.max(most, ++now)
    setTimeout(() => {
      now--
      all(body, response, response.req)
    }, 5)
  })
  const numbers = Array.from({ length: 50 }, (_, number) => number)
  assert.deepEqual(await Promise.all(numbers.map(number => rpc('eth_getLogs', [number]))), numbers)
  assert.equal(most, 8)
})

test('a call that a batch’s answer left out fails alone; it takes neither the answer nor the error of a neighbour', async context => {
  const error = { code: -32005, message: 'query returned more than 10000 results' }
  const { rpc } = await provider(context, (body, response) => {
    const [first, , third] = [body].flat()
    const stray = { jsonrpc: '2.0', id: 999, result: 'stray' }
    json(response, [{ jsonrpc: '2.0', id: third?.id, error }, stray, first && echo(first)])
  })
  const [first, second, third] = await Promise.allSettled([
    rpc('a', [1]),
    faultOf(rpc('b', [2])),
    faultOf(rpc('c', [3]))
  ])
  assert.deepEqual(first, { status: 'fulfilled', value: 1 })
  assert.equal(second.status === 'fulfilled' && second.value.advice.kind, 'retry')
  assert.equal(third.status === 'fulfilled' && third.value.advice.kind, 'split')
})

test('an error in a batch is its own call’s', async context => {
  const error = { code: -32005, message: 'query returned more than 10000 results' }
  const { rpc } = await provider(context, (body, response) => {
    json(
      response,
      [body].flat().map(call => (call.method === 'bad' ? { jsonrpc: '2.0', id: call.id, error } : echo(call)))
    )
  })
  const bad = faultOf(rpc('bad', []))
  assert.equal(await rpc('good', [1]), 1)
  assert.equal((await bad).advice.kind, 'split')
})

for (const [what, refuse, takes] of [
  ['with a single error', { error: { code: -32600, message: 'batch requests are not supported' } }, 1],
  ['naming a number', { error: { code: 31, message: 'Batch of more than 3 requests are not allowed on freetier' } }, 3],
  ['without a word', { error: { code: -32600, message: 'invalid request' } }, 4]
] as const) {
  test(`a provider that refuses batches ${what} is asked in smaller ones, and that is remembered`, async context => {
    const { rpc, requests } = await provider(context, (body, response) => {
      if (!Array.isArray(body) || body.length <= takes) all(body, response, response.req)
      else json(response, { jsonrpc: '2.0', id: null, ...refuse })
    })
    const numbers = Array.from({ length: 10 }, (_, number) => number)
    assert.deepEqual(await Promise.all(numbers.map(number => rpc('a', [number]))), numbers)
    const before = requests.length
    assert.deepEqual(await Promise.all(numbers.map(number => rpc('a', [number]))), numbers)
    const sizes = requests.slice(before).map(body => [body].flat().length)
    assert.ok(Math.max(...sizes) <= takes, `batches of ${sizes}`)
  })
}

test('a batch that is refused call by call is asked again in smaller ones', async context => {
  const error = { code: 31, message: 'Batch of more than 3 requests are not allowed' }
  const { rpc } = await provider(context, (body, response) => {
    if (!Array.isArray(body) || body.length <= 3) all(body, response, response.req)
    else
      json(
        response,
        body.map(({ id }) => ({ jsonrpc: '2.0', id, error }))
      )
  })
  const numbers = Array.from({ length: 7 }, (_, number) => number)
  assert.deepEqual(await Promise.all(numbers.map(number => rpc('a', [number]))), numbers)
})

test('a batch whose answer is too large is asked again in smaller ones', async context => {
  const { rpc } = await provider(context, all)
  const texts = Array.from({ length: 4 }, (_, index) => String(index).repeat(4000))
  assert.deepEqual(await Promise.all(texts.map(text => rpc('a', [text]))), texts)
})

const answers: [what: string, handle: Handler, advice: Advice][] = [
  [
    '429 with seconds',
    (_, response) => response.writeHead(429, { 'retry-after': '7' }).end(),
    { kind: 'rate_limited', retry_after_ms: 7000 }
  ],
  [
    '429 with a date',
    (_, response) =>
      response
        .writeHead(429, { date: 'Sat, 21 Nov 2026 08:00:00 GMT', 'retry-after': 'Sat, 21 Nov 2026 08:00:30 GMT' })
        .end(),
    { kind: 'rate_limited', retry_after_ms: 30_000 }
  ],
  ['502 with HTML', (_, response) => response.writeHead(502).end('<html>Bad Gateway</html>'), { kind: 'retry' }],
  ['200 with HTML', (_, response) => response.end('<html>hello</html>'), { kind: 'retry' }],
  ['an empty body', (_, response) => response.end(), { kind: 'retry' }],
  ['truncated JSON', (_, response) => response.end('{"jsonrpc":"2.0","id":1,"result":[{'), { kind: 'retry' }],
  ['another id', (_, response) => json(response, { jsonrpc: '2.0', id: 77, result: [] }), { kind: 'retry' }],
  ['neither result nor error', (body, response) => json(response, { id: [body].flat()[0]?.id }), { kind: 'retry' }],
  ['401', (_, response) => response.writeHead(401).end(), { kind: 'give_up' }],
  [
    'a redirect',
    (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    { kind: 'give_up' }
  ],
  [
    'a result with status 500',
    (body, response) => json(response.writeHead(500), echo([body].flat()[0] as Request)),
    { kind: 'retry' }
  ], // one call was sent
  ['too large a body', (_, response) => response.end('x'.repeat(20_000)), { kind: 'split' }],
  [
    'too large a body, once unpacked',
    (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x'.repeat(1_000_000))),
    { kind: 'split' }
  ],
  ['a closed connection', (_, response) => response.destroy(), { kind: 'retry' }],
  [
    'a connection closed in the middle',
    (_, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"jsonrpc"')
      setTimeout(() => response.destroy(), 20)
    },
    { kind: 'retry' }
  ],
  [
    'a range that is too wide, with a key in its words',
    (body, response) =>
      json(response, {
        id: [body].flat()[0]?.id,
        error: { code: -32602, message: 'k3yk3yk3yk3y: up to a 500 block range' }
      }),
    { kind: 'split', suggested: { max_blocks: 500 } }
  ]
]
for (const [what, handle, advice] of answers) {
  test(`${what}: ${advice.kind}`, async context => {
    const { rpc } = await provider(context, handle)
    assert.deepEqual((await faultOf(rpc('eth_getLogs', [{ fromBlock: '0x1', toBlock: '0x1000' }]))).advice, advice)
  })
}

test('a provider that never answers, or never ends its answer, is a timeout', async context => {
  const hanging = await provider(context, (body, response) => {
    if ([body].flat()[0]?.method === 'drip') response.writeHead(200).write('{')
  })
  for (const method of ['hang', 'drip']) {
    const fault = await faultOf(hanging.rpc(method, []))
    assert.equal(fault.advice.kind, 'retry')
    assert.ok(fault.cause instanceof Error && fault.cause.name === 'TimeoutError', `the cause is ${fault.cause}`)
  }
})

test('nobody listening: retry', async () => {
  const rpc = connectRpc({ url: 'http://127.0.0.1:1', timeoutMs: 300, maxBytes: 1000 })
  assert.equal((await faultOf(rpc('a', []))).advice.kind, 'retry')
})

test('a packed answer is unpacked, and its bytes on the wire are told', async context => {
  const { rpc } = await provider(context, (body, response, request) => {
    assert.equal(request.headers['accept-encoding'], 'gzip')
    response
      .writeHead(200, { 'content-encoding': 'gzip' })
      .end(gzipSync(JSON.stringify(echo([body].flat()[0] as Request)))) // one call was sent
  })
  let bytes = 0
  const text = 'x'.repeat(5000)
  assert.equal(await rpc('a', [text], { received: count => (bytes += count) }), text)
  assert.ok(bytes > 0 && bytes < 1000, `${bytes} bytes`)
})

test('who gives up waiting gets the signal’s reason, and others of the same request their answer', async context => {
  const { rpc, requests } = await provider(context, (body, response) => {
    setTimeout(() => all(body, response, response.req), 50)
  })
  const abort = new AbortController()
  const left = rpc('a', [1], { signal: abort.signal })
  const stays = rpc('a', [2])
  setTimeout(() => abort.abort(new Error('enough')), 20)
  await assert.rejects(left, /enough/)
  assert.equal(await stays, 2)
  await assert.rejects(rpc('a', [3], { signal: abort.signal }), /enough/)
  assert.equal(requests.length, 1)
})

test('a user and a password in the URL are sent as such', async context => {
  const { rpc } = await provider(context, (body, response, request) =>
    json(response, { id: [body].flat()[0]?.id, result: request.headers.authorization })
  )
  assert.equal(await rpc('a', []), `Basic ${Buffer.from('user:s3cretpassword').toString('base64')}`)
})
