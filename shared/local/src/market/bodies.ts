import { pythFeedId, scaled } from './feeds.ts'

export type Quote = { asset: string; price: string; at: Date }

/** A Pyth feed as Hermes tells it, sure to within 0.05 % (or to one unit of its last digit). */
export function pythFeed({ asset, price, at }: Quote): object {
  const { mantissa, expo } = scaled(price)
  const publish_time = Math.floor(at.getTime() / 1000)
  const told = { price: mantissa, conf: String(BigInt(mantissa) / 2000n), expo, publish_time }
  return {
    id: pythFeedId(asset),
    price: told,
    ema_price: told,
    metadata: { slot: publish_time, proof_available_time: publish_time + 1, prev_publish_time: publish_time - 1 }
  }
}

/** Tickers in the shapes of the exchanges; bid and ask are the price itself. */
export const tickers = {
  coinbase: ({ price, at }: Quote) => ({
    ask: price,
    bid: price,
    volume: '1207.50668151',
    trade_id: 18502105,
    price,
    size: '0.00730812',
    time: at.toISOString().replace('Z', '099Z')
  }),
  kraken({ asset, price }: Quote) {
    const name = asset === 'BTC' ? 'XXBTZUSD' : `X${asset}ZUSD`
    const today = [price, price]
    const ticker = {
      a: [price, '1', '1.000'],
      b: [price, '1', '1.000'],
      c: [price, '0.00067643'],
      v: ['4083.67001100', '4412.73601799'],
      p: today,
      t: [34619, 38907],
      l: today,
      h: today,
      o: price
    }
    return { error: [], result: { [name]: ticker } }
  },
  bitstamp: ({ price, at }: Quote) => ({
    timestamp: String(Math.floor(at.getTime() / 1000)),
    open: price,
    high: price,
    low: price,
    last: price,
    volume: '135.29692054',
    vwap: price,
    bid: price,
    ask: price,
    side: '0',
    open_24: price,
    percent_change_24: '1.58'
  }),
  binance: ({ asset, price, at }: Quote) => ({
    symbol: `${asset}USDT`,
    lastPrice: price,
    lastQty: '0.21337300',
    bidPrice: price,
    bidQty: '0.21337300',
    askPrice: price,
    askQty: '0.71420300',
    openTime: at.getTime() - 86_400_000,
    closeTime: at.getTime(),
    count: 1207506
  })
}
