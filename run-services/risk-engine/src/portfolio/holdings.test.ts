import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDecimal, parseDecimal } from '../decimal.ts'
import { amountsOf, mergeHoldings, parseHolding } from './holdings.ts'

const holding = (asset: string, amount: string) => ({ asset, amount: parseDecimal(amount), escrow_address: null })
const inEscrow = (asset: string, escrow_address: string) => ({ ...holding(asset, '1'), escrow_address })

test('an escrow counts once, as it is first given; what is in none counts each time', () => {
  const given = [inEscrow('ETH', 'a'), inEscrow('USDC', 'a'), holding('BTC', '1'), holding('BTC', '1')]
  const known = [inEscrow('YFI', 'a'), inEscrow('LINK', 'b')]
  const assets = mergeHoldings(given, known).map(({ asset }) => asset)
  assert.deepEqual(assets, ['ETH', 'BTC', 'BTC', 'LINK'])
})

test('amounts add up by asset, in the order of the assets; zero is nothing', () => {
  const amounts = amountsOf([holding('ETH', '0.1'), holding('BTC', '1'), holding('ETH', '0.2'), holding('YFI', '0')])
  assert.deepEqual(
    [...amounts].map(([asset, amount]) => [asset, formatDecimal(amount)]),
    [
      ['BTC', '1'],
      ['ETH', '0.3']
    ]
  )
})

test('an escrow is known by its address in lower case', () => {
  const { escrow_address } = parseHolding({ asset: 'ETH', amount: 1.5, escrow_address: '0xABC' })
  assert.equal(escrow_address, '0xabc')
  assert.equal(parseHolding({ asset: 'ETH', amount: 1.5 }).escrow_address, null)
})
