import { createHash } from 'node:crypto'

export type Venue = 'chainlink' | 'pyth' | 'coinbase' | 'kraken' | 'bitstamp' | 'binance'

/** How the stand-in of a venue misbehaves; several at once are fine. */
export type Distortion = {
  /** This asset only; default: all. */
  asset?: string
  /** What it says is this many times the true price, a decimal: "1.05". */
  factor?: string
  /** What it says is this old. */
  ageSeconds?: number
  /** It answers with this HTTP status. Not for Chainlink, which is on the chain. */
  status?: number
  /** It answers this late. Not for Chainlink. */
  delayMs?: number
}

/** What a venue calls an asset's pair. */
export const pairs = {
  coinbase: (asset: string) => `${asset}-USD`,
  kraken: (asset: string) => `${asset === 'BTC' ? 'XBT' : asset}USD`,
  bitstamp: (asset: string) => `${asset.toLowerCase()}usd`,
  binance: (asset: string) => `${asset}USDT`
}

/** A feed's id, 64 hex digits: the same asset gives the same id. */
export const pythFeedId = (asset: string): string => createHash('sha256').update(`pyth ${asset}`).digest('hex')

/** A price as a whole number of units of 10^expo: "3941.34" is 394134 and -2. Throws for anything but a plain decimal. */
export function scaled(price: string): { mantissa: string; expo: number } {
  if (!/^[0-9]+(\.[0-9]+)?$/.test(price)) throw new Error(`"${price}" is no price: give a plain decimal like 3941.34`)
  const [whole = '0', fraction = ''] = price.split('.')
  return { mantissa: BigInt(whole + fraction).toString(), expo: fraction === '' ? 0 : -fraction.length }
}

/** The product of two decimals, exact. */
export function multiply(price: string, factor: string): string {
  const [a, b] = [scaled(price), scaled(factor)]
  const digits = (BigInt(a.mantissa) * BigInt(b.mantissa)).toString()
  const places = -(a.expo + b.expo)
  const padded = digits.padStart(places + 1, '0')
  return places === 0 ? padded : `${padded.slice(0, -places)}.${padded.slice(-places)}`
}
