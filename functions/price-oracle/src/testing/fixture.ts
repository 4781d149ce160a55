import assert from 'node:assert/strict'
import { decodeMessage, type MarketPrice, marketPrices } from '@fusion-prime/events'
import { type LocalChain, startChain, testDatabase } from '@fusion-prime/local'
import { createTestBroker, TEST_PROJECT } from '@fusion-prime/local/testing/broker.ts'
import { createSql, migrate } from '@fusion-prime/postgres'
import { createLog, readConfig } from '@fusion-prime/runtime'
import { type Market, startMarket } from '../../../../shared/local/src/market/market.ts'
import { migrations, PriceOracleConfig } from '../config.ts'
import { createPriceOracle } from '../oracle.ts'
import type { RoundResult } from '../round.ts'

const SUBSCRIPTION = 'prices-pull'
export const VENUES = ['chainlink', 'pyth', 'coinbase', 'kraken', 'bitstamp', 'binance'] as const

export type Fixture = {
  chain: LocalChain
  market: Market
  /** The environment of an oracle that asks the market, with a database of its own. */
  createEnvironment(settings?: Record<string, string>): Promise<Record<string, string>>
  openOracle(env: Record<string, string>): { lines: Record<string, unknown>[]; round(): Promise<RoundResult> }
  /** What is on the topic now, by asset, checked against the catalogue. */
  pullPrices(): Promise<Map<string, MarketPrice[]>>
  /** Called after the test, the youngest first. */
  onEnd(cleanup: () => Promise<unknown>): void
  /** Ends what a test started, and makes the market true and the topic empty again. */
  reset(): Promise<void>
  close(): Promise<void>
}

/** A chain, a market on it, and a broker: all that an oracle needs. */
export async function createFixture(): Promise<Fixture> {
  const broker = await createTestBroker({
    topics: [{ name: marketPrices.name }],
    subscriptions: [
      {
        name: SUBSCRIPTION,
        topic: marketPrices.name,
        kind: 'pull',
        service: null,
        push_path: null,
        filter: null,
        ordered: true,
        ack_deadline_seconds: 60,
        minimum_backoff_seconds: 0,
        maximum_backoff_seconds: 0,
        max_delivery_attempts: null,
        dead_letter_topic: null,
        message_retention_seconds: 600
      }
    ]
  })
  const chain = await startChain({ blockTime: 'per-transaction' })
  const [from] = chain.accounts
  assert.ok(from)
  const market = await startMarket({ rpcUrl: chain.rpcUrl, chainId: chain.chainId, from })
  const cleanups: (() => Promise<unknown>)[] = []
  const onEnd: Fixture['onEnd'] = cleanup => void cleanups.unshift(cleanup)
  return {
    chain,
    market,
    onEnd,
    async createEnvironment(settings = {}) {
      const database = await testDatabase()
      onEnd(() => database.close())
      const sql = createSql({ url: database.url, max: 1, applicationName: 'test' })
      await migrate(sql, { folders: migrations }).finally(() => sql.end())
      return { ...market.settings, DATABASE_URL: database.url, GOOGLE_CLOUD_PROJECT: TEST_PROJECT, ...settings }
    },
    openOracle(env) {
      const lines: Record<string, unknown>[] = []
      const log = createLog('price-oracle', { write: line => void lines.push(JSON.parse(line)) })
      const oracle = createPriceOracle({ config: readConfig(PriceOracleConfig, env), log })
      onEnd(() => oracle.close())
      const traceparent = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`
      return { lines, round: () => oracle.round({ correlation_id: 'test', traceparent }) }
    },
    async pullPrices() {
      const prices = new Map<string, MarketPrice[]>()
      for (const message of await broker.pull(SUBSCRIPTION)) {
        const decoded = decodeMessage(marketPrices, message)
        assert.ok('received' in decoded, JSON.stringify(decoded))
        const { body } = decoded.received
        assert.equal(message.ordering_key, body.asset_symbol)
        prices.set(body.asset_symbol, [...(prices.get(body.asset_symbol) ?? []), body])
      }
      return prices
    },
    async reset() {
      for (const cleanup of cleanups.splice(0)) await cleanup()
      for (const venue of VENUES) await market.distort(venue)
      await market.setPrice('ETH', '3941.34')
      await broker.pull(SUBSCRIPTION)
    },
    async close() {
      await market.stop()
      await chain.stop()
      await broker.close()
    }
  }
}
