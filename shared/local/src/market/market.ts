import { type Address, createEscrowClient } from '@fusion-prime/chain'
import { encodeDeployData, encodeFunctionData } from 'viem'
import { priceAggregatorAbi, priceAggregatorBytecode } from '../../../chain/src/abi/price-aggregator.ts'
import type { Quote } from './bodies.ts'
import { type Distortion, multiply, pairs, pythFeedId, scaled, type Venue } from './feeds.ts'
import { startStandIns } from './server.ts'

/** In USD. USDT isn't published: it converts what is quoted in it. */
export const defaultPrices: Readonly<Record<string, string>> = {
  BTC: '97250.5',
  ETH: '3941.34',
  LINK: '18.42',
  USDC: '1',
  USDT: '1'
}

/** Real feeds in USD have 8; with 18 the smallest price that anybody may try is exact. */
const AGGREGATOR_DECIMALS = 18
const DAY_SECONDS = 86_400

export type Market = {
  /** What a price oracle needs in its environment to ask this market. */
  settings: Record<string, string>
  prices: Readonly<Record<string, string>>
  /** Moves every venue to this price (USD, a decimal) as of now; resolves when the aggregator's is mined. */
  setPrice(asset: string, usd: string): Promise<void>
  /** Makes a venue misbehave until it is called again for it; without a distortion it is true again. */
  distort(venue: Venue, distortion?: Distortion): Promise<void>
  stop(): Promise<void>
}

export type MarketOptions = {
  rpcUrl: string
  chainId: number
  /** An account that the node signs for; nobody else should send from it meanwhile. */
  from: Address
  /** Default: `defaultPrices`. USDT must be among them. */
  prices?: Readonly<Record<string, string>>
}

/** A market on this machine: an aggregator per asset on the chain, and stand-ins for Pyth, Coinbase, Kraken, Bitstamp and Binance. */
export async function startMarket({
  rpcUrl,
  chainId,
  from,
  prices: given = defaultPrices
}: MarketOptions): Promise<Market> {
  const prices: Record<string, string> = { ...given }
  const assets = Object.keys(prices)
  const distortions = new Map<Venue, Distortion>()
  const client = createEscrowClient({ rpcUrl, chainId })

  function distortion(venue: Venue, asset: string): Distortion {
    const { asset: only, ...rest } = distortions.get(venue) ?? {}
    return only === undefined || only === asset ? rest : {}
  }

  function quote(venue: Venue, asset: string): Quote {
    const { factor = '1', ageSeconds = 0 } = distortion(venue, asset)
    const told = multiply(prices[asset] ?? '0', factor)
    return { asset, price: told, at: new Date(Date.now() - ageSeconds * 1000) }
  }

  /** What an aggregator is told: the price in units of its last decimal, and when that was so, in seconds since 1970. */
  function answerFor(asset: string): [answer: bigint, updatedAt: bigint] {
    const { price, at } = quote('chainlink', asset)
    const { mantissa, expo } = scaled(price)
    // Digits beyond the aggregator's are cut.
    const answer = (BigInt(mantissa) * 10n ** BigInt(AGGREGATOR_DECIMALS)) / 10n ** BigInt(-expo)
    return [answer, BigInt(Math.floor(at.getTime() / 1000))]
  }

  async function deploy(asset: string): Promise<[asset: string, aggregator: Address]> {
    const args = [AGGREGATOR_DECIMALS, `${asset} / USD`, ...answerFor(asset)] as const
    const data = encodeDeployData({ abi: priceAggregatorAbi, bytecode: priceAggregatorBytecode, args })
    const { contractAddress, transactionHash } = await client.transact({ from, data })
    if (!contractAddress) throw new Error(`${transactionHash} deployed nothing`)
    return [asset, contractAddress]
  }

  const aggregators = new Map(await Promise.all(assets.map(deploy)))
  function aggregatorOf(asset: string): Address {
    const address = aggregators.get(asset)
    if (!address) throw new Error(`the market has no ${asset}: it has ${assets.join(', ')}`)
    return address
  }

  async function updateAggregator(asset: string): Promise<void> {
    const data = encodeFunctionData({ abi: priceAggregatorAbi, functionName: 'set', args: answerFor(asset) })
    await client.transact({ from, to: aggregatorOf(asset), data })
  }

  const standIns = await startStandIns({ assets, quote, distortion })
  return {
    settings: {
      RPC_URL: rpcUrl,
      PYTH_URL: `${standIns.url}/pyth`,
      ASSETS: assets.filter(asset => asset !== 'USDT').join(','),
      PRICE_SOURCES: JSON.stringify(
        Object.fromEntries(
          assets.map(asset => [asset, sourcesOf(asset, { url: standIns.url, feed: aggregatorOf(asset) })])
        )
      )
    },
    prices,
    async setPrice(asset, usd) {
      aggregatorOf(asset) // before anything moves: an unknown asset moves nothing
      scaled(usd)
      prices[asset] = usd
      await updateAggregator(asset)
    },
    async distort(venue, wanted) {
      if (wanted) distortions.set(venue, wanted)
      else distortions.delete(venue)
      if (venue === 'chainlink') await Promise.all(assets.map(updateAggregator))
    },
    stop: () => standIns.stop()
  }
}

/** The sources of an asset, as PRICE_SOURCES names them. */
function sourcesOf(asset: string, { url, feed }: { url: string; feed: Address }): object[] {
  const ticker = (kind: keyof typeof pairs, quote: string) => {
    const pair = pairs[kind](asset)
    return { kind, pair, quote, url: `${url}/${kind}/${pair}` }
  }
  return [
    { kind: 'chainlink', feed, heartbeat_seconds: DAY_SECONDS },
    { kind: 'pyth', feed: pythFeedId(asset) },
    ticker('coinbase', 'USD'),
    ticker('kraken', 'USD'),
    ticker('bitstamp', 'USD'),
    ...(asset === 'USDT' ? [] : [ticker('binance', 'USDT')])
  ]
}
