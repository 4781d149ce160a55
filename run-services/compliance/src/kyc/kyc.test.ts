import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasEnded, kycStatuses, mayMove, statusAt, userKey } from './kyc.ts'

test('the states that a case can come to, from each', () => {
  const table = Object.fromEntries(
    kycStatuses.map(from => [from, kycStatuses.filter(to => mayMove(from, to)).join(' ')])
  )
  assert.deepEqual(table, {
    created: 'pending rejected review expired',
    pending: 'verified rejected review expired',
    verified: 'review expired',
    rejected: '',
    review: 'pending verified rejected expired',
    expired: 'pending'
  })
  assert.deepEqual(kycStatuses.filter(hasEnded), ['rejected', 'expired'])
})

test('a verification is over after its days, to the millisecond; other states don’t end by time', () => {
  const verified_at = new Date('2026-01-01T00:00:00Z')
  const statusOf = (status: (typeof kycStatuses)[number], now: string) =>
    statusAt({ status, verified_at }, { now: new Date(now), validDays: 30 })
  assert.equal(statusOf('verified', '2026-01-31T00:00:00.000Z'), 'verified')
  assert.equal(statusOf('verified', '2026-01-31T00:00:00.001Z'), 'expired')
  assert.equal(statusOf('review', '2030-01-01T00:00:00Z'), 'review')
  const never = statusAt({ status: 'verified', verified_at: null }, { now: verified_at, validDays: 30 })
  assert.equal(never, 'expired')
})

test('an address is one user in any case; other names stay as they are', () => {
  assert.equal(userKey(`0x${'aB'.repeat(20)}`), `0x${'ab'.repeat(20)}`)
  assert.equal(userKey('User-7'), 'User-7')
})
