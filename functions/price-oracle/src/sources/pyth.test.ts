import assert from 'node:assert/strict'
import { test } from 'node:test'
import vectors from '../../test-vectors/pyth.json' with { type: 'json' }
import { parseExactJson } from './json.ts'
import { findFeed, hermesUrl, parsePythFeed } from './pyth.ts'

type Expected = { accept?: { price: string }; reject?: string }

for (const { id, feed, now, max_age_s, max_conf_bps, expect } of vectors) {
  test(`pyth ${id}`, () => {
    const { accept, reject }: Expected = expect
    const read = parseExactJson(JSON.stringify(feed))
    const reading = parsePythFeed(read, { maxAgeSeconds: max_age_s, maxConfidenceBps: max_conf_bps, now: now * 1000 })
    const places = Math.max(0, -feed.price.expo)
    if (accept) assert.equal('price' in reading && reading.price.toFixed(places), accept.price)
    else assert.deepEqual(reading, { refused: reject })
  })
}

const limits = { maxAgeSeconds: 60, maxConfidenceBps: 100, now: 1_000_000 }
const feed = (price: object) => ({
  id: 'ab',
  price: { price: '10', conf: '0', expo: '-1', publish_time: '1000', ...price }
})

test('what is no price is malformed, whatever it is', () => {
  const broken = [
    undefined,
    {},
    feed({ price: '1.5' }),
    feed({ conf: '-1' }),
    feed({ expo: '-61' }),
    feed({ expo: '61' }),
    feed({ publish_time: 'soon' }),
    feed({ price: '9'.repeat(61) })
  ]
  for (const one of broken) assert.deepEqual(parsePythFeed(one, limits), { refused: 'malformed' })
})

test('a price beyond a double keeps its digits', () => {
  const reading = parsePythFeed(feed({ price: '1000000000000000000000000000000000001', expo: '-18' }), limits)
  assert.equal('price' in reading && reading.price.toFixed(), '1000000000000000000.000000000000000001')
})

test('a feed is found by its id, however that is written', () => {
  const feeds = ['0xAB', 'cd'].map(id => ({ ...feed({}), id }))
  assert.equal(findFeed(feeds, 'ab'), feeds[0])
  assert.equal(findFeed([null, ...feeds], 'ef'), undefined)
})

test('one request asks for all feeds', () => {
  const url = new URL(hermesUrl('https://hermes.example/', ['ab', 'cd']))
  assert.equal(url.pathname, '/v2/updates/price/latest')
  assert.deepEqual(url.searchParams.getAll('ids[]'), ['ab', 'cd'])
})
