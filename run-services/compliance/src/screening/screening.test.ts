import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testAddress } from '@fusion-prime/local/testing/facts.ts'
import type { SanctionsList } from '../sanctions/list.ts'
import { isDue, judge, type Screening } from './screening.ts'

const [bad, good] = [testAddress('bad'), testAddress('good')]
const listOf = (version: string, asOf: string): SanctionsList => ({
  version,
  sha256: version,
  asOf: new Date(asOf),
  addresses: new Map([[bad, 'OFAC SDN']]),
  names: []
})
const [older, held, newer] = [
  listOf('1', '2026-01-30T00:00:00Z'),
  listOf('2', '2026-01-31T00:00:00Z'),
  listOf('3', '2026-02-01T00:00:00Z')
]

test('on the list: match; not on it: clear; no list: unknown, for everybody', () => {
  const source = { list_version: '2', list_as_of: held.asOf, list_sha256: '2' }
  assert.deepEqual(judge(bad, held), { result: 'match', list: 'OFAC SDN', ...source })
  assert.deepEqual(judge(good, held), { result: 'clear', list: null, ...source })
  const unknown = { result: 'unknown', list: null, list_version: null, list_as_of: null, list_sha256: null }
  assert.deepEqual(judge(bad, undefined), unknown)
  assert.deepEqual(judge(good, undefined), unknown)
})

const screened = (address: string, list: SanctionsList | undefined): Screening => ({
  address,
  screened_at: held.asOf,
  ...judge(address, list)
})
const cases: [name: string, stored: Screening | undefined, list: SanctionsList | undefined, due: boolean][] = [
  ['never screened', undefined, held, true],
  ['never screened, no list', undefined, undefined, true],
  ['clear by the list in force', screened(good, held), held, false],
  ['match by the list in force', screened(bad, held), held, false],
  ['clear by an older list', screened(good, older), held, true],
  ['match by an older list', screened(bad, older), held, true],
  ['clear by another list of the same date', screened(good, { ...older, asOf: held.asOf }), held, true],
  ['clear by a newer list, of another instance', screened(good, newer), held, false],
  ['match by a newer list, of another instance', screened(bad, newer), held, false],
  ['unknown', screened(good, undefined), held, true],
  ['unknown, no list', screened(good, undefined), undefined, true],
  ['clear, no list now', screened(good, held), undefined, true],
  ['match, no list now', screened(bad, held), undefined, false]
]
for (const [name, stored, list, due] of cases) {
  test(`${name}: ${due ? 'screened' : 'kept'}`, () => assert.equal(isDue(stored, list), due))
}
