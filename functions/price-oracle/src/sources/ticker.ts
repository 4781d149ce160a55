import { type Decimal, median, parseDecimal } from '../decimal.ts'
import { ageFault, type Reading } from '../reading.ts'
import { at, parseExactJson } from './json.ts'

/** A ticker as an exchange gives it; times in milliseconds since 1970. */
export type Ticker = {
  last: Decimal | undefined
  bid: Decimal | undefined
  ask: Decimal | undefined
  timestampMs: number | undefined
}

type Fields = { last?: unknown; bid?: unknown; ask?: unknown; timestampMs?: number }

const seconds = (value: unknown): number => Number(value) * 1000
const isoTime = (value: unknown): number => Date.parse(String(value))

/** The element of a list whose field says so. */
const pick = (list: unknown, { field, value }: { field: string; value: string }): unknown =>
  Array.isArray(list) ? list.find(item => at(item, field) === value) : undefined

/** Where each exchange has what; `pair` is the exchange's own name of the pair. */
const shapes = {
  coinbase: body => ({
    last: at(body, 'price'),
    bid: at(body, 'bid'),
    ask: at(body, 'ask'),
    timestampMs: isoTime(at(body, 'time'))
  }),
  kraken(body) {
    // Its own name of the pair is the key (XXBTZUSD for XBTUSD).
    const result = at(body, 'result')
    const [ticker] = typeof result === 'object' && result !== null ? Object.values(result) : []
    return { last: at(ticker, 'c', 0), bid: at(ticker, 'b', 0), ask: at(ticker, 'a', 0) }
  },
  bitstamp: body => ({
    last: at(body, 'last'),
    bid: at(body, 'bid'),
    ask: at(body, 'ask'),
    timestampMs: seconds(at(body, 'timestamp'))
  }),
  binance(body, pair) {
    // One ticker, or all of them; `bookTicker` has neither last price nor time.
    const ticker = Array.isArray(body) ? pick(body, { field: 'symbol', value: pair }) : body
    const closeTime = at(ticker, 'closeTime')
    return {
      last: at(ticker, 'lastPrice'),
      bid: at(ticker, 'bidPrice'),
      ask: at(ticker, 'askPrice'),
      ...(closeTime !== undefined && { timestampMs: Number(closeTime) })
    }
  },
  cex: body => ({
    last: at(body, 'last'),
    bid: at(body, 'bid'),
    ask: at(body, 'ask'),
    timestampMs: seconds(at(body, 'timestamp'))
  }),
  coinlist: body => ({
    last: at(body, 'last_price'),
    bid: at(body, 'highest_bid'),
    ask: at(body, 'lowest_ask'),
    timestampMs: isoTime(at(body, 'last_trade', 'logicalTime'))
  }),
  exmo: (body, pair) => ({
    last: at(body, pair, 'last_trade'),
    bid: at(body, pair, 'buy_price'),
    ask: at(body, pair, 'sell_price'),
    timestampMs: seconds(at(body, pair, 'updated'))
  }),
  coingecko(body, pair) {
    const coin = pick(body, { field: 'id', value: pair })
    return { last: at(coin, 'current_price'), timestampMs: isoTime(at(coin, 'last_updated')) }
  }
} satisfies Record<string, (body: unknown, pair: string) => Fields>

export type Exchange = keyof typeof shapes

// The keys of the record above.
export const exchanges = Object.keys(shapes) as Exchange[]

/** Reads an exchange's body; undefined when it isn't a ticker of that pair in that exchange's shape. */
export function parseTicker(exchange: Exchange, { body, pair }: { body: string; pair: string }): Ticker | undefined {
  const shape: (body: unknown, pair: string) => Fields = shapes[exchange]
  const { last, bid, ask, timestampMs } = shape(parseExactJson(body), pair)
  const given = [last, bid, ask].filter(value => value !== undefined)
  const ticker = { last: parseDecimal(last), bid: parseDecimal(bid), ask: parseDecimal(ask), timestampMs }
  const read = [ticker.last, ticker.bid, ticker.ask].filter(value => value !== undefined)
  const isWhole = read.length > 0 && read.length === given.length && !Number.isNaN(timestampMs)
  return isWhole ? ticker : undefined
}

/**
 * What a ticker says the price is: the last trade, but never outside of bid and ask, which are younger; without a last trade, their mean.
 * `madeAt` is when the exchange made the answer, for bodies without a time. All times in milliseconds since 1970.
 */
export function priceOfTicker(
  { last, bid, ask, timestampMs }: Ticker,
  limits: { madeAt: number | undefined; now: number; maxAgeSeconds: number; maxSpreadPercent: number }
): Reading {
  const prices = [bid, last, ask].filter(value => value !== undefined)
  if (prices.some(price => price.lte(0))) return { refused: 'not_positive' }
  const observedAt = timestampMs ?? limits.madeAt
  if (observedAt === undefined) return { refused: 'stale' }
  const fault = ageFault({ observedAt, now: limits.now, maxAgeSeconds: limits.maxAgeSeconds })
  if (fault) return { refused: fault }
  if (bid && ask) {
    const spread = ask.minus(bid)
    if (spread.lt(0) || spread.times(100).gt(bid.times(limits.maxSpreadPercent))) return { refused: 'spread' }
  }
  return { price: median(prices) }
}
