import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { addressKey, createList, hasShrunk, parseSanctionsList, unusable } from './list.ts'

type Vector = { id: string; ticker: string; address: string; evm: boolean }
const vectors = new URL('../../test-vectors/ofac-addresses.json', import.meta.url)
const { cases }: { cases: Vector[] } = JSON.parse(await readFile(vectors, 'utf8'))

const entry = { address: '0x098B716B8Aaf21512996dC57EB0615e2383E2f96', chain: 'ETH', list: 'OFAC SDN' }
const file = { version: '7', as_of: '2026-01-31T12:00:00Z', addresses: [entry], names: [{ name: 'A B', list: 'EU' }] }
const good = JSON.stringify(file)

const ofac = parseSanctionsList(
  JSON.stringify({
    ...file,
    addresses: cases.map(({ ticker, address }) => ({ address, chain: ticker, list: 'OFAC SDN' }))
  })
)

test('of 10,000 addresses that nobody listed none is found', () => {
  const bytes = (seed: string) => createHash('sha256').update(seed).digest('hex')
  const letters = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
  const base58 = (hex: string) =>
    `1${[...hex].map((digit, at) => letters[(Number.parseInt(digit, 16) * (at + 7)) % 58]).join('')}`
  for (let index = 0; index < 5_000; index++) {
    const hex = bytes(`nobody ${index}`).slice(0, 40)
    for (const address of [`0x${hex}`, base58(hex)])
      assert.equal(ofac.addresses.get(addressKey(address)), undefined, address)
  }
})

test('every address of the OFAC list is found in any letter case that leaves it what it is', () => {
  const digits = (address: string, change: (text: string) => string) => `0x${change(address.slice(2))}`
  for (const { id, address, evm } of cases) {
    const spellings = evm
      ? [
          address,
          address.slice(2),
          digits(address, text => text.toLowerCase()),
          digits(address, text => text.toUpperCase())
        ]
      : [address]
    for (const spelling of spellings) assert.equal(ofac.addresses.get(addressKey(spelling)), 'OFAC SDN', id)
    if (!evm && address !== address.toLowerCase())
      assert.equal(ofac.addresses.get(address.toLowerCase()), undefined, id)
  }
  assert.ok(cases.length > 400)
})

test('upper case, blanks around an address and fields that we don’t know are understood', () => {
  const addresses = [{ ...entry, address: ` ${entry.address.toUpperCase()}\n`, since: '2022' }]
  const list = parseSanctionsList(JSON.stringify({ ...file, addresses, publisher: 'us' }))
  assert.deepEqual([...list.addresses], [[entry.address.toLowerCase(), 'OFAC SDN']])
  assert.deepEqual([list.version, list.asOf.toISOString(), list.names], ['7', '2026-01-31T12:00:00.000Z', file.names])
})

test('an address of Bitcoin Cash is found with its prefix, without it and in capitals, whichever the list has', () => {
  const listed = cases.find(({ ticker, address }) => ticker === 'BCH' && /^[qp]/.test(address))
  assert.ok(listed)
  const spellings = [listed.address, `bitcoincash:${listed.address}`, `BITCOINCASH:${listed.address.toUpperCase()}`]
  const prefixed = parseSanctionsList(
    JSON.stringify({ ...file, addresses: [{ ...entry, address: `bitcoincash:${listed.address}` }] })
  )
  for (const spelling of spellings)
    for (const list of [ofac, prefixed]) assert.equal(list.addresses.get(addressKey(spelling)), 'OFAC SDN', spelling)
})

test('of an address on several lists the first is named', () => {
  const list = parseSanctionsList(JSON.stringify({ ...file, addresses: [entry, { ...entry, list: 'EU' }] }))
  assert.deepEqual([...list.addresses.values()], ['OFAC SDN'])
})

// Names as in the vectors for files of other formats.
const broken: Record<string, string> = {
  empty: '',
  html: '<html><body>503 Service Unavailable</body></html>',
  'truncated-in-quotes': good.slice(0, good.indexOf('OFAC') + 2),
  'junk-last-line': `${good}\n||||`,
  'ctrl-z-end': `${good}\u001a`,
  'short-rows': JSON.stringify({ ...file, addresses: [entry, { address: entry.address }] }),
  'no entries': JSON.stringify({ ...file, addresses: [], names: [] }),
  'no addresses': JSON.stringify({ ...file, addresses: undefined }),
  'no version': JSON.stringify({ ...file, version: '' }),
  'a version that is a number': JSON.stringify({ ...file, version: 7 }),
  'an empty address': JSON.stringify({ ...file, addresses: [{ ...entry, address: ' ' }] }),
  'a date without a time': JSON.stringify({ ...file, as_of: '2026-01-31' }),
  'a day that doesn’t exist': JSON.stringify({ ...file, as_of: '2026-02-30T12:00:00Z' }),
  null: 'null',
  'an array': '[]'
}
for (const [id, text] of Object.entries(broken)) {
  test(`broken file: ${id}`, () => assert.throws(() => parseSanctionsList(text), /^Error: the file /))
}

for (const [now, reason] of [
  ['2026-01-31T12:00:00Z', undefined],
  ['2026-02-01T12:00:00Z', undefined],
  ['2026-02-01T12:00:01Z', 'the list is older than 24 h'],
  ['2026-01-31T11:00:00Z', undefined],
  ['2026-01-31T10:59:59Z', 'the list is dated in the future']
] as const) {
  test(`at ${now}: ${reason ?? 'usable'}`, () => {
    assert.equal(unusable(parseSanctionsList(good), { now: new Date(now), maxAgeHours: 24 }), reason)
  })
}

for (const [addresses, names, shrunk] of [
  [0, 20_000, true],
  [99, 20_000, true],
  [100, 20_000, false],
  [200, 9_999, true],
  [200, 10_000, false]
] as const) {
  test(`from 200 addresses and 20000 names to ${addresses} and ${names}: ${shrunk ? 'refused' : 'taken'}`, () => {
    const ofSize = (count: number, named: number) =>
      createList({
        version: '1',
        asOf: new Date(file.as_of),
        addresses: new Map(Array.from({ length: count }, (_, index) => [`address ${index}`, 'EU'])),
        names: Array.from({ length: named }, (_, index) => ({ name: `name ${index}`, list: 'EU' }))
      })
    assert.equal(hasShrunk(ofSize(addresses, names), ofSize(200, 20_000)), shrunk)
  })
}

for (const [before, after, shrunk] of [
  [401, 200, true],
  [400, 200, false],
  [400, 500, false],
  [99, 1, false]
] as const) {
  test(`from ${before} to ${after} entries: ${shrunk ? 'refused' : 'taken'}`, () => {
    const ofSize = (size: number) => {
      const addresses = cases.slice(0, size).map(({ address }, index) => ({ ...entry, address: `${address}${index}` }))
      const names = Array.from({ length: size - addresses.length }, (_, index) => ({ name: `${index}`, list: 'EU' }))
      return parseSanctionsList(JSON.stringify({ ...file, addresses, names }))
    }
    assert.equal(hasShrunk(ofSize(after), ofSize(before)), shrunk)
  })
}
