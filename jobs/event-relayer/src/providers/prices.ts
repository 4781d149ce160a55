/** Relative prices of calls by method; `other` for what isn't listed. */
export type Prices = Readonly<Record<string, number>> & { readonly other: number }

/** Compute units, near those that Alchemy publishes. */
const BY_WORK: Prices = {
  eth_chainId: 0,
  eth_blockNumber: 10,
  eth_getLogs: 75,
  eth_getBlockReceipts: 20,
  eth_getBlockByNumber: 20,
  other: 20
}
const FLAT: Prices = { other: 20 }
const FREE: Prices = { other: 0 }

/** By the end of a host's name. Only their order matters: the cheapest healthy provider is asked first. */
const BY_HOST: readonly (readonly [suffix: string, prices: Prices])[] = [
  ['localhost', FREE],
  ['127.0.0.1', FREE],
  ['.publicnode.com', FREE],
  ['mainnet.base.org', FREE],
  ['1rpc.io', FREE],
  ['alchemy.com', { ...BY_WORK, eth_getLogs: 60 }],
  ['quiknode.pro', FLAT],
  ['drpc.org', FLAT]
]

export type PricesOf = (url: string) => Prices

export const pricesOf: PricesOf = url => {
  const { hostname } = new URL(url)
  return BY_HOST.find(([suffix]) => hostname.endsWith(suffix))?.[1] ?? BY_WORK
}

export const priceOf = (prices: Prices, method: string): number => prices[method] ?? prices.other

/** What relaying asks for most: logs, headers and receipts. */
export const usualPrice = (prices: Prices): number =>
  ['eth_getLogs', 'eth_getBlockByNumber', 'eth_getBlockReceipts'].reduce(
    (sum, method) => sum + priceOf(prices, method),
    0
  )
