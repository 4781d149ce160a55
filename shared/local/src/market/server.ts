import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { pythFeed, type Quote, tickers } from './bodies.ts'
import { type Distortion, pairs, pythFeedId, type Venue } from './feeds.ts'

export type StandIns = { url: string; stop(): Promise<void> }

export type Told = {
  assets: readonly string[]
  /** What a venue says of an asset now. */
  quote(venue: Venue, asset: string): Quote
  distortion(venue: Venue, asset: string): Distortion
}

/** One server that answers as Hermes at /pyth and as an exchange at /<exchange>/<its name of the pair>. */
export async function startStandIns(told: Told): Promise<StandIns> {
  const timers = new Set<NodeJS.Timeout>()
  const server = createServer((request, response) => {
    request.resume()
    const url = new URL(request.url ?? '/', 'http://stand-in')
    const [, venue = '', pair = ''] = url.pathname.split('/')
    if (venue === 'pyth') return answerPyth(url.searchParams.getAll('ids[]'), response)
    const asset = isExchange(venue) ? told.assets.find(known => pairs[venue](known) === pair) : undefined
    if (!isExchange(venue) || asset === undefined) return send(response, { status: 404 })
    const quote = told.quote(venue, asset)
    send(response, { body: tickers[venue](quote), at: quote.at, ...told.distortion(venue, asset) })
  })

  function answerPyth(ids: readonly string[], response: ServerResponse): void {
    const asked = told.assets.filter(asset => ids.includes(pythFeedId(asset)))
    const parsed = asked.map(asset => pythFeed(told.quote('pyth', asset)))
    const distorted = asked.map(asset => told.distortion('pyth', asset))
    send(response, {
      body: { binary: { encoding: 'hex', data: ['504e4155'] }, parsed },
      ...Object.assign({}, ...distorted)
    })
  }

  function send(
    response: ServerResponse,
    answer: { body?: object; at?: Date; status?: number; delayMs?: number }
  ): void {
    const { body = {}, at = new Date(), status = 200, delayMs = 0 } = answer
    const timer = setTimeout(() => {
      timers.delete(timer)
      // A ticker without a time in it is as old as its answer.
      response.writeHead(status, { 'content-type': 'application/json', date: at.toUTCString() })
      response.end(JSON.stringify(body))
    }, delayMs)
    timers.add(timer)
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the stand-ins got no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    async stop() {
      for (const timer of timers) clearTimeout(timer)
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    }
  }
}

const isExchange = (venue: string): venue is keyof typeof tickers => Object.hasOwn(tickers, venue)
