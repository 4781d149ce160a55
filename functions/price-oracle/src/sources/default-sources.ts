import type { Sources } from './source.ts'

/** Chainlink's feeds on Ethereum, all with 8 decimals: https://docs.chain.link/data-feeds/price-feeds/addresses?network=ethereum */
const chainlink = (feed: string, heartbeat_seconds: number) =>
  ({ kind: 'chainlink', feed, heartbeat_seconds, quote: 'USD' }) as const

/** https://docs.pyth.network/price-feeds/core/price-feeds/price-feed-ids */
const pyth = (feed: string) => ({ kind: 'pyth', feed, quote: 'USD' }) as const

const usd = <const Kind extends 'coinbase' | 'kraken' | 'bitstamp'>(kind: Kind, pair: string) => ({
  kind,
  pair,
  quote: 'USD'
})
const inTether = (pair: string) => ({ kind: 'binance', pair, quote: 'USDT' }) as const

const HOUR = 3_600
const DAY = 86_400

/** Where prices come from unless PRICE_SOURCES says otherwise; USDT is here to convert what is quoted in it. */
export const defaultSources: Sources = {
  BTC: [
    chainlink('0xF4030086522a5bEEa4988F8cA5B36dbC97BeE88c', HOUR),
    pyth('e62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43'),
    usd('coinbase', 'BTC-USD'),
    usd('kraken', 'XBTUSD'),
    usd('bitstamp', 'btcusd'),
    inTether('BTCUSDT')
  ],
  ETH: [
    chainlink('0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419', HOUR),
    pyth('ff61491a931112ddf1bd8147cd1b641375f79f5825126d665480874634fd0ace'),
    usd('coinbase', 'ETH-USD'),
    usd('kraken', 'ETHUSD'),
    usd('bitstamp', 'ethusd'),
    inTether('ETHUSDT')
  ],
  LINK: [
    chainlink('0x2c1d072e956AFFC0D435Cb7AC38EF18d24d9127c', HOUR),
    pyth('8ac0c70fff57e9aefdf5edf44b51d62c2d433653cbb2cf5cc06bb115af04d221'),
    usd('coinbase', 'LINK-USD'),
    usd('kraken', 'LINKUSD'),
    usd('bitstamp', 'linkusd'),
    inTether('LINKUSDT')
  ],
  USDC: [
    chainlink('0x8fFfFfd4AfB6115b954Bd326cbe7B4BA576818f6', DAY),
    pyth('eaa020c61cc479712813461ce153894a96a6c00b21ed0cfc2798d1f9a9e9c94a'),
    usd('kraken', 'USDCUSD'),
    usd('bitstamp', 'usdcusd'),
    inTether('USDCUSDT')
  ],
  USDT: [
    chainlink('0x3E7d1eAB13ad0104d2750B8863b489D65364e32D', DAY),
    pyth('2b89b9dc8fdf9f34709a5b106b472f0f39bb6ca9ce04b0fd7f2e971688e2e53b'),
    usd('coinbase', 'USDT-USD'),
    usd('kraken', 'USDTUSD'),
    usd('bitstamp', 'usdtusd')
  ]
}
