import { Value } from 'typebox/value'
import { type Address, createPublicClient, http } from 'viem'
import type { Reading, Refusal } from '../reading.ts'
import { createBoundedFetch, SourceError } from './bounded-fetch.ts'
import { readChainlink } from './chainlink.ts'
import { parseExactJson } from './json.ts'
import { findFeed, hermesUrl, PythAnswer, parsePythFeed } from './pyth.ts'
import { type ChainlinkSource, type PythSource, type Source, type TickerSource, tickerUrl } from './source.ts'
import { parseTicker, priceOfTicker } from './ticker.ts'

export type ReaderSettings = {
  rpcUrl: string
  pythUrl: string
  /** Hermes wants one since August 2026; a stand-in doesn't. */
  pythApiKey: string
  timeoutMs: number
  maxAgeSeconds: number
  chainlinkGraceSeconds: number
  maxConfidenceBps: number
  maxSpreadPercent: number
}

/** Asks sources, all at once; one reading per source, in their order. Never fails: a source that does is a refusal. */
export type ReadSources = (sources: readonly Source[]) => Promise<Reading[]>

export function createReader(settings: ReaderSettings, now: () => number): ReadSources {
  const { maxAgeSeconds, maxConfidenceBps } = settings
  const boundedFetch = createBoundedFetch(settings.timeoutMs)
  const transport = http(settings.rpcUrl, {
    batch: true,
    retryCount: 0,
    timeout: settings.timeoutMs,
    fetchFn: boundedFetch
  })
  const client = createPublicClient({ transport })

  async function getFeeds(ids: readonly string[]): Promise<readonly unknown[]> {
    const headers = settings.pythApiKey ? { authorization: `Bearer ${settings.pythApiKey}` } : {}
    const response = await boundedFetch(hermesUrl(settings.pythUrl, ids), { headers })
    const answer = parseExactJson(await response.text())
    if (!Value.Check(PythAnswer, answer)) throw new SourceError('malformed')
    return answer.parsed
  }

  const fromChainlink = ({ feed, heartbeat_seconds: heartbeatSeconds }: ChainlinkSource) =>
    // Its form was checked with the settings.
    readChainlink(
      client,
      { feed: feed as Address, heartbeatSeconds, graceSeconds: settings.chainlinkGraceSeconds },
      now
    )

  const fromPyth = async ({ feed }: PythSource, feeds: Promise<readonly unknown[]>) =>
    parsePythFeed(findFeed(await feeds, feed), { maxAgeSeconds, maxConfidenceBps, now: now() })

  async function fromTicker(source: TickerSource): Promise<Reading> {
    const response = await boundedFetch(tickerUrl(source) ?? '', { headers: { accept: 'application/json' } })
    const ticker = parseTicker(source.kind, { body: await response.text(), pair: source.pair })
    if (!ticker) return { refused: 'malformed' }
    const { maxSpreadPercent } = settings
    return priceOfTicker(ticker, { madeAt: madeAt(response), now: now(), maxAgeSeconds, maxSpreadPercent })
  }

  return async sources => {
    const ids = new Set(sources.flatMap(source => (source.kind === 'pyth' ? source.feed : [])))
    const feeds = ids.size > 0 ? getFeeds([...ids]) : Promise.resolve([])
    feeds.catch(() => {}) // each Pyth source tells it
    return Promise.all(
      sources.map(async source => {
        try {
          if (source.kind === 'chainlink') return await fromChainlink(source)
          return await (source.kind === 'pyth' ? fromPyth(source, feeds) : fromTicker(source))
        } catch (error) {
          return { refused: codeOf(error) }
        }
      })
    )
  }
}

/** When an answer was made, in milliseconds since 1970: a cache keeps this header. */
function madeAt(response: Response): number | undefined {
  const made = Date.parse(response.headers.get('date') ?? '')
  return Number.isNaN(made) ? undefined : made
}

/** A library wraps what went wrong in errors of its own; theirs may hold a URL with a key, so nothing else is taken from them. */
function codeOf(error: unknown): Refusal {
  if (error instanceof SourceError) return error.code
  return error instanceof Error && error.cause !== undefined ? codeOf(error.cause) : 'failed'
}
