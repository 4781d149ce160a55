import { PermanentError } from '@fusion-prime/runtime'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { type Exchange, exchanges } from './ticker.ts'

const HOUR_SECONDS = 3_600
/** A hundred years: as good as no limit. */
const MAX_SECONDS = 3_153_600_000

const Asset = Type.String({ pattern: '^[A-Z0-9.]{1,32}$' })
const inUsd = Type.Optional(Type.Literal('USD'))
const strict = { additionalProperties: false }

const Chainlink = Type.Object(
  {
    kind: Type.Literal('chainlink'),
    feed: Type.String({ pattern: '^0x[0-9a-fA-F]{40}$' }),
    heartbeat_seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_SECONDS })),
    quote: inUsd
  },
  strict
)

const Pyth = Type.Object(
  { kind: Type.Literal('pyth'), feed: Type.String({ pattern: '^[0-9a-f]{64}$' }), quote: inUsd },
  strict
)

const Ticker = Type.Object(
  {
    kind: Type.Union(exchanges.map(exchange => Type.Literal(exchange))),
    pair: Type.String({ pattern: '^[A-Za-z0-9:_.-]{1,40}$' }),
    quote: Type.Optional(Asset),
    url: Type.Optional(Type.String({ pattern: '^https?://' }))
  },
  strict
)

const Given = Type.Record(Asset, Type.Array(Type.Union([Chainlink, Pyth, Ticker]), { minItems: 1, maxItems: 20 }))

export type ChainlinkSource = { kind: 'chainlink'; feed: string; heartbeat_seconds: number; quote: 'USD' }
/** Its feed is 64 hex digits, lower-case and without 0x. */
export type PythSource = { kind: 'pyth'; feed: string; quote: 'USD' }
/** `pair` is the exchange's own name; what is quoted in another asset than USD is converted; `url` stands in for the public address. */
export type TickerSource = { kind: Exchange; pair: string; quote: string; url?: string }
export type Source = ChainlinkSource | PythSource | TickerSource

/** By asset: where its price is asked for. */
export type Sources = Readonly<Record<string, readonly Source[]>>

/** Public addresses of tickers, without a key. Kinds that aren't here need a `url`. */
const tickerUrls: Partial<Record<Exchange, (pair: string) => string>> = {
  coinbase: pair => `https://api.exchange.coinbase.com/products/${pair}/ticker`,
  kraken: pair => `https://api.kraken.com/0/public/Ticker?pair=${pair}`,
  bitstamp: pair => `https://www.bitstamp.net/api/v2/ticker/${pair}/`,
  binance: pair => `https://data-api.binance.vision/api/v3/ticker/24hr?symbol=${pair}`
}

/** Undefined if a kind has no public address and the source names none. */
export const tickerUrl = ({ kind, pair, url }: TickerSource): string | undefined => url ?? tickerUrls[kind]?.(pair)

/** Reads the setting PRICE_SOURCES. Throws a PermanentError that names what is wrong. */
export function parseSources(text: string): Sources {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch {
    throw new PermanentError('PRICE_SOURCES is not JSON')
  }
  if (!Value.Check(Given, given)) {
    const [fault] = Value.Errors(Given, given)
    const what = `${fault?.instancePath ?? ''} ${fault?.message ?? ''}`
    throw new PermanentError(
      `PRICE_SOURCES is not valid: ${what}; give {"<asset>": [{kind, feed, heartbeat_seconds} or {kind, pair, quote, url}, …]}`
    )
  }
  const sources = Object.fromEntries(Object.entries(given).map(([asset, list]) => [asset, list.map(complete)]))
  for (const [asset, list] of Object.entries(sources)) checkSources(sources, { asset, list })
  return sources
}

function complete(given: Static<typeof Chainlink | typeof Pyth | typeof Ticker>): Source {
  const defaults = { quote: 'USD', ...(given.kind === 'chainlink' && { heartbeat_seconds: HOUR_SECONDS }) }
  // The schema says so; it can't tell the compiler that a kind is one of the exchanges.
  return { ...defaults, ...given } as Source
}

function checkSources(sources: Sources, { asset, list }: { asset: string; list: readonly Source[] }): void {
  const kinds = new Set<string>()
  for (const source of list) {
    const where = `PRICE_SOURCES: ${asset} from ${source.kind}`
    // One venue must not outvote others under two names.
    if (kinds.has(source.kind)) throw new PermanentError(`${where} is named twice: name each kind once per asset`)
    kinds.add(source.kind)
    if ('pair' in source && !tickerUrl(source)) throw new PermanentError(`${where} has no public address: give its url`)
    if (source.quote !== 'USD' && !sources[source.quote]?.some(({ quote }) => quote === 'USD')) {
      throw new PermanentError(`${where} is quoted in ${source.quote}: name a source of ${source.quote} in USD too`)
    }
  }
}
