import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PriceUpdated } from '@fusion-prime/events'
import { isFresh, priceOf } from './price.ts'

const now = new Date('2026-01-31T12:00:00.000Z')
const at = (seconds: number) => new Date(now.getTime() + seconds * 1_000)

const cases: [what: string, observed: number, validUntil: number, fresh: boolean][] = [
  ['just observed', 0, 90, true],
  ['at its limits', -90, 0, true],
  ['older than the limit, although valid', -90.001, 60, false],
  ['past its validity, although young', -10, -0.001, false],
  ['a minute ahead: clocks differ', 60, 150, true],
  ['further ahead: nobody’s clock', 60.001, 150, false]
]
for (const [what, observed, validUntil, fresh] of cases) {
  test(`${what}: ${fresh ? 'fresh' : 'not fresh'}`, () => {
    const price = { ...priceOf(PriceUpdated.example), observed_at: at(observed), valid_until: at(validUntil) }
    assert.equal(isFresh(price, { now, maxAgeSeconds: 90 }), fresh)
  })
}
