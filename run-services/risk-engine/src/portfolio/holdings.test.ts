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

test('a slip in an escrow’s address is refused, since the escrow would count twice; no address is none', () => {
  const parse = (escrow_address: string) => parseHolding({ asset: 'ETH', amount: 1.5, escrow_address }).escrow_address
  const lower = '0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed' // EIP-55's first example
  for (const text of [lower, `0X${lower.slice(2).toUpperCase()}`, '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'])
    assert.equal(parse(text), lower)
  assert.throws(() => parse('0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed'), { name: 'HttpProblem', status: 400 })
  assert.equal(parse(''), null)
})
