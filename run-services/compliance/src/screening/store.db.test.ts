import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { testAddress } from '@fusion-prime/local/testing/facts.ts'
import { createTestParts, type TestParts } from '@fusion-prime/local/testing/service.ts'
import { migrations } from '../app.ts'
import type { SanctionsList } from '../sanctions/list.ts'
import { judge } from './screening.ts'
import { findScreenings, saveScreenings } from './store.ts'

let parts: TestParts
before(async () => {
  parts = await createTestParts('compliance', migrations)
})
after(() => parts?.close())

const [bad, good] = [testAddress('bad'), testAddress('good')]
const listOf = (version: string, asOf: string): SanctionsList => ({
  version,
  sha256: version,
  asOf: new Date(asOf),
  addresses: new Map([[bad, 'OFAC SDN']]),
  names: []
})
const lists = {
  older: listOf('older', '2026-01-30T00:00:00Z'),
  newer: listOf('newer', '2026-01-31T00:00:00Z'),
  none: undefined
}
const screened = (address: string, list: keyof typeof lists) => ({
  address,
  screened_at: new Date('2026-01-31T12:00:00Z'),
  ...judge(address, lists[list])
})

// What two transactions that screen at once leave behind.
const cases: [address: string, first: keyof typeof lists, second: keyof typeof lists, kept: keyof typeof lists][] = [
  [bad, 'older', 'newer', 'newer'],
  [bad, 'newer', 'older', 'newer'],
  [bad, 'newer', 'none', 'newer'],
  [bad, 'none', 'older', 'older'],
  [good, 'newer', 'older', 'newer'],
  [good, 'newer', 'none', 'none'],
  [good, 'none', 'older', 'older']
]
for (const [address, first, second, kept] of cases) {
  const who = address === bad ? 'a sanctioned address' : 'an address on no list'
  test(`${who} by list ${first}, then by list ${second}: the screening by ${kept} is kept`, async () => {
    await parts.sql`truncate screenings`
    await saveScreenings(parts.sql, [screened(address, first)])
    await saveScreenings(parts.sql, [screened(address, second)])
    assert.deepEqual([...(await findScreenings(parts.sql, [address]))], [screened(address, kept)])
  })
}
