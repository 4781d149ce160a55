import { fileURLToPath } from 'node:url'
import { assetSymbols } from '@fusion-prime/chain/assets'
import { type MigrationFolder, outboxMigrations } from '@fusion-prime/postgres'
import { defineConfig, PermanentError } from '@fusion-prime/runtime'
import { type Static, Type } from 'typebox'
import { defaultSources } from './sources/default-sources.ts'
import { parseSources, type Sources } from './sources/source.ts'

export const PriceOracleConfig = defineConfig({
  DATABASE_URL: Type.String({
    pattern: '^postgres(ql)?://',
    description: 'a postgres:// URL of the oracle’s own database'
  }),
  GOOGLE_CLOUD_PROJECT: Type.String({ minLength: 1, description: 'the project whose Pub/Sub topics are used' }),
  ASSETS: Type.String({
    default: 'BTC,ETH,LINK,USDC',
    pattern: '^[A-Z0-9.]+(,[A-Z0-9.]+)*$',
    description: 'assets whose prices are published, comma-separated'
  }),
  PRICE_SOURCES: Type.String({
    default: '',
    description:
      'JSON by asset: [{"kind":"chainlink","feed":"0x…","heartbeat_seconds":3600},{"kind":"pyth","feed":"…"},{"kind":"kraken","pair":"ETHUSD","quote":"USD","url":"…"}]; default: public sources of BTC, ETH, LINK and USDC'
  }),
  RPC_URL: Type.String({
    pattern: '^https?://',
    description: 'URL of a JSON-RPC provider of the chain that Chainlink’s feeds are on'
  }),
  PYTH_URL: Type.String({
    default: 'https://hermes.pyth.network',
    pattern: '^https?://',
    description: 'URL of a Hermes of Pyth'
  }),
  PYTH_API_KEY: Type.String({ default: '', description: 'key for PYTH_URL (secret)' }),
  MIN_SOURCES: Type.Integer({ default: 3, minimum: 1, maximum: 20, description: 'sources that must agree' }),
  DEVIATION_PERCENT: Type.Integer({
    default: 2,
    minimum: 1,
    maximum: 50,
    description: 'a source further than this from the median is left out'
  }),
  JUMP_PERCENT: Type.Integer({
    default: 10,
    minimum: 1,
    maximum: 1_000,
    description: 'a price that moved more than this per JUMP_WINDOW_SECONDS waits until a later round finds it too'
  }),
  JUMP_WINDOW_SECONDS: Type.Integer({ default: 30, minimum: 1, maximum: 86_400, description: 'see JUMP_PERCENT' }),
  PRICE_VALIDITY_SECONDS: Type.Integer({
    default: 90,
    minimum: 1,
    maximum: 86_400,
    description: 'a published price is stale this long after it was observed'
  }),
  PRICE_INTERVAL_SECONDS: Type.Integer({
    default: 30,
    minimum: 1,
    maximum: 3_600,
    description: 'from one round to the next in loop mode; a jump is confirmed after half of it at the earliest'
  }),
  SOURCE_MAX_AGE_SECONDS: Type.Integer({
    default: 60,
    minimum: 1,
    maximum: 86_400,
    description: 'Pyth’s prices and tickers older than this don’t count'
  }),
  CHAINLINK_GRACE_SECONDS: Type.Integer({
    default: 120,
    maximum: 86_400,
    description: 'a Chainlink feed may be this much later than its heartbeat'
  }),
  PYTH_CONFIDENCE_BPS: Type.Integer({
    default: 100,
    minimum: 1,
    maximum: 10_000,
    description: 'a Pyth price that is less sure than this (basis points of itself) doesn’t count'
  }),
  SPREAD_PERCENT: Type.Integer({
    default: 2,
    minimum: 1,
    maximum: 100,
    description: 'a ticker whose bid and ask are further apart doesn’t count'
  }),
  SOURCE_TIMEOUT_MS: Type.Integer({
    default: 3_000,
    minimum: 50,
    maximum: 30_000,
    description: 'a source that has not answered by then has failed'
  }),
  OUTBOX_RETENTION_HOURS: Type.Integer({ default: 24, description: 'published messages are kept this long' }),
  HOST: Type.String({ default: '127.0.0.1', description: 'address to listen on in loop mode' }),
  PORT: Type.Integer({ default: 8080, maximum: 65_535, description: 'port to listen on in loop mode' })
})

export type PriceOracleConfig = Static<typeof PriceOracleConfig>

/** The assets to publish and the sources of them and of what they are quoted in. Throws a PermanentError for what could never be published. */
export function readSources({ ASSETS, PRICE_SOURCES, MIN_SOURCES }: PriceOracleConfig): {
  assets: string[]
  sources: Sources
} {
  const sources = PRICE_SOURCES === '' ? defaultSources : parseSources(PRICE_SOURCES)
  const assets = [...new Set(ASSETS.split(','))].sort()
  for (const asset of assets) {
    if (!assetSymbols.includes(asset)) {
      throw new PermanentError(`ASSETS names ${asset}, which nobody can use: known are ${assetSymbols.join(', ')}`)
    }
    const count = sources[asset]?.length ?? 0
    if (count < MIN_SOURCES) {
      throw new PermanentError(
        `${asset} has ${count} sources, MIN_SOURCES is ${MIN_SOURCES}: add some to PRICE_SOURCES`
      )
    }
  }
  return { assets, sources }
}

/** All tables of the oracle, in the order in which they are made. */
export const migrations: readonly MigrationFolder[] = [
  outboxMigrations,
  { label: 'price-oracle', path: fileURLToPath(new URL('../migrations', import.meta.url)) }
]
