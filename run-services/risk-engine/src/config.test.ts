import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from '@fusion-prime/runtime'
import { RiskSettings, volatilityOf } from './config.ts'

test('without settings: 90 seconds, the source’s subscription, a volatility for every asset', () => {
  const settings = readConfig(RiskSettings, {})
  assert.equal(settings.PRICE_MAX_AGE_SECONDS, 90)
  assert.equal(settings.PRICE_SUBSCRIPTION, 'risk-engine-prices-consumer')
  assert.deepEqual(Object.keys(volatilityOf(settings)).sort(), ['BTC', 'ETH', 'LINK', 'SHIB', 'USDC', 'YFI'])
})

const volatilities: [text: string, volatility: Record<string, string> | undefined][] = [
  ['{}', {}],
  ['{"ETH":"0.04"}', { ETH: '0.04' }],
  [' { "ETH" : "0.04", "USDC": "0" } ', undefined],
  ['{ "ETH" : "0.04" , "USDC": "0" }', { ETH: '0.04', USDC: '0' }],
  ['{"ETH":"0.04",}', undefined],
  ['{"ETH":"0.04" "BTC":"1"}', undefined],
  ['{,"ETH":"0.04"}', undefined],
  ['{"ETH":0.04}', undefined],
  ['{"ETH":"-0.04"}', undefined],
  ['["0.04"]', undefined]
]
for (const [text, volatility] of volatilities) {
  test(`DEFAULT_VOLATILITY ${text} is ${volatility ? 'read' : 'refused'}`, () => {
    const read = () => volatilityOf(readConfig(RiskSettings, { DEFAULT_VOLATILITY: text }))
    if (volatility) assert.deepEqual(read(), volatility)
    else assert.throws(read, /DEFAULT_VOLATILITY is not valid/)
  })
}
