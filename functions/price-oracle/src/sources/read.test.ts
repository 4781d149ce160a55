import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { after, before, beforeEach, test } from 'node:test'
import { createReader } from './read.ts'
import type { Source } from './source.ts'

const [ETH, BTC] = ['e'.repeat(64), 'b'.repeat(64)]
const seconds = Math.floor(Date.now() / 1000)
const feed = (id: string) => ({ id, price: { price: '394134', conf: '100', expo: -2, publish_time: seconds } })

/** Answers as Hermes, which knows one feed, and as Kraken. */
let url: string
const requests: IncomingMessage[] = []
const server = createServer((request, response) => {
  requests.push(request)
  const isPyth = request.url?.startsWith('/pyth')
  const ticker = { a: ['100', '1'], b: ['100', '1'], c: ['100', '1'] }
  response.end(JSON.stringify(isPyth ? { parsed: [feed(ETH)] } : { error: [], result: { XXBTZUSD: ticker } }))
})

before(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address && typeof address === 'object')
  url = `http://127.0.0.1:${address.port}`
})
beforeEach(() => void requests.splice(0))
after(() => {
  server.closeAllConnections()
  server.close()
})

const pyth = (feed: string): Source => ({ kind: 'pyth', feed, quote: 'USD' })
const kraken = (): Source => ({ kind: 'kraken', pair: 'XBTUSD', quote: 'USD', url: `${url}/kraken` })

/** A reader whose clock is so many seconds ahead of the server's. */
const readerAt = (ahead: number, pythApiKey = '') =>
  createReader(
    {
      rpcUrl: `${url}/rpc`,
      pythUrl: `${url}/pyth`,
      pythApiKey,
      timeoutMs: 5_000,
      maxAgeSeconds: 60,
      chainlinkGraceSeconds: 120,
      maxConfidenceBps: 100,
      maxSpreadPercent: 2
    },
    () => Date.now() + ahead * 1000
  )

test('all of Pyth’s feeds are one request, in it the key; nobody else gets that', async () => {
  const readings = await readerAt(0, 'secret')([pyth(ETH), kraken(), pyth(BTC), pyth(ETH)])
  const prices = readings.map(reading => ('price' in reading ? reading.price.toFixed() : reading.refused))
  assert.deepEqual(prices, ['3941.34', '100', 'malformed', '3941.34'])
  const [toPyth, ...more] = requests.filter(request => request.url?.startsWith('/pyth'))
  assert.deepEqual(more, [])
  assert.equal(toPyth?.headers.authorization, 'Bearer secret')
  assert.deepEqual(new URL(toPyth.url ?? '', url).searchParams.getAll('ids[]'), [ETH, BTC])
  const toKraken = requests.find(request => request.url === '/kraken')
  assert.ok(toKraken && toKraken.headers.authorization === undefined)
})

test('a ticker without a time is as old as its answer', async () => {
  assert.deepEqual(await readerAt(62)([kraken()]), [{ refused: 'stale' }])
  assert.deepEqual(await readerAt(-30)([kraken()]), [{ refused: 'future' }])
})

test('a key isn’t sent where there is none', async () => {
  await readerAt(0)([pyth(ETH)])
  assert.equal(requests[0]?.headers.authorization, undefined)
})

test('what answers no JSON-RPC is no chain', async () => {
  const chainlink: Source = { kind: 'chainlink', feed: `0x${'1'.repeat(40)}`, heartbeat_seconds: 60, quote: 'USD' }
  const [reading] = await readerAt(0)([chainlink])
  assert.ok(reading && 'refused' in reading)
})
