import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { plainDecimal } from './amount.ts'
import { decide, type Facts, type Input, type Limits } from './decide.ts'
import { jurisdictionOfCountry } from './rules.ts'

const input: Input = {
  user_id: 'user-7',
  payer_address: '0xa',
  payee_address: '0xb',
  amount: '1.5',
  asset: 'ETH',
  amount_usd: null,
  jurisdiction: null,
  workflow_id: null
}
const verified = { kyc_status: 'verified', name_listed: false } as const
const listed = { kyc_status: 'verified', name_listed: true } as const
const price = { price_usd: '500', sequence: '7', observed_at: '2026-01-31T12:00:00.000Z', fresh: true }
const facts: Facts = {
  jurisdiction: 'FATF',
  list: { version: '1', sha256: 'a'.repeat(64), as_of: '2026-01-31T12:00:00.000Z' },
  sanctions: { payer: null, payee: null },
  user: verified,
  payee: null,
  price,
  recent: { payments: '0', total_usd: '0', just_below: '0' }
}
const limits: Limits = { velocity_max_payments: '10', velocity_max_usd: '5000' }

const recent = (changes: Partial<Facts['recent']>) => ({ recent: { ...facts.recent, ...changes } })
const usd = (amount_usd: string) => ({ amount_usd })

const cases: [what: string, input: Partial<Input>, facts: Partial<Facts>, status: string, ...reasons: string[]][] = [
  ['all is well', {}, {}, 'approved'],
  ['unknown user', {}, { user: null }, 'review', 'user_unknown'],
  ...(['created', 'pending', 'rejected', 'review', 'expired'] as const).map((kyc_status): (typeof cases)[number] => [
    `a user whose case is ${kyc_status}`,
    {},
    { user: { kyc_status, name_listed: false } },
    'review',
    `kyc_${kyc_status}`
  ]),
  ['no list', {}, { list: null }, 'review', 'sanctions_list_unavailable'],
  ['payer on a list', {}, { sanctions: { payer: 'EU', payee: null } }, 'rejected', 'payer_sanctioned'],
  ['payee on a list', {}, { sanctions: { payer: null, payee: 'EU' } }, 'rejected', 'payee_sanctioned'],
  ['user’s name on a list', {}, { user: listed }, 'review', 'user_name_sanctioned'],
  ['payee’s name on a list', {}, { payee: listed }, 'review', 'payee_name_sanctioned'],
  ['no price', {}, { price: null }, 'review', 'no_fresh_price'],
  ['stale price', {}, { price: { ...price, fresh: false } }, 'review', 'no_fresh_price'],
  ['no price, but the caller’s value', usd('750'), { price: null }, 'approved'],
  ['priced above the threshold', { amount: '2' }, {}, 'review', 'travel_rule_data_missing'],
  ['just under the threshold', usd('999.999999999999999999'), {}, 'approved'],
  ['at the threshold', usd('1000'), {}, 'review', 'travel_rule_data_missing'],
  ['at the threshold, payee known', usd('1000'), { payee: verified }, 'approved'],
  [
    'at the threshold, payee not verified',
    usd('1000'),
    { payee: { ...verified, kyc_status: 'pending' } },
    'review',
    'travel_rule_data_missing'
  ],
  ['US under 3,000', usd('2999.99'), { jurisdiction: 'US' }, 'approved'],
  ['US at 3,000', usd('3000'), { jurisdiction: 'US' }, 'review', 'travel_rule_data_missing'],
  ['EU at nothing', usd('0'), { jurisdiction: 'EU' }, 'review', 'travel_rule_data_missing'],
  ['EU, payee known', usd('0.01'), { jurisdiction: 'EU', payee: verified }, 'approved'],
  ['second just below', usd('900'), recent({ just_below: '1' }), 'approved'],
  ['third just below', usd('900'), recent({ just_below: '2' }), 'review', 'structuring_suspected'],
  ['two just below, one well below', usd('899.99'), recent({ just_below: '2' }), 'approved'],
  ['three just below, one well below', usd('1'), recent({ just_below: '3' }), 'review', 'structuring_suspected'],
  ['the last payment of a day', usd('1'), recent({ payments: '9' }), 'approved'],
  ['one too many', usd('1'), recent({ payments: '10' }), 'review', 'velocity_exceeded'],
  ['the last dollar of a day', usd('1'), recent({ total_usd: '4999' }), 'approved'],
  ['a cent too much', usd('1.01'), recent({ total_usd: '4999' }), 'review', 'velocity_exceeded']
]
for (const [what, asked, known, status, ...reasons] of cases) {
  test(`${what}: ${[status, ...reasons].join(' ')}`, () => {
    const verdict = decide({ ...input, ...asked }, { facts: { ...facts, ...known }, limits })
    assert.deepEqual([verdict.status, ...verdict.reasons], [status, ...reasons])
    assert.equal(verdict.approved, status === 'approved')
    assert.equal(verdict.checks.length === 6, status === 'approved')
  })
}

const status = fc.constantFrom(
  'created',
  'pending',
  'verified',
  'rejected',
  'review',
  'expired'
) as fc.Arbitrary<'verified'>
const standing = fc.option(fc.record({ kyc_status: status, name_listed: fc.boolean() }))
const list = fc.option(fc.constant('EU'))
const count = fc.integer({ min: 0, max: 12 }).map(String)
const anyFacts = fc.record({
  jurisdiction: fc.constantFrom('FATF', 'US', 'EU') as fc.Arbitrary<Facts['jurisdiction']>, // fast-check widens to string
  list: fc.option(fc.constant({ version: '1', sha256: 'a'.repeat(64), as_of: '2026-01-31T12:00:00.000Z' })),
  sanctions: fc.record({ payer: list, payee: list }),
  user: standing,
  payee: standing,
  price: fc.option(fc.record({ ...mapConstant(price), fresh: fc.boolean() })),
  recent: fc.record({ payments: count, total_usd: fc.integer({ min: 0, max: 6_000 }).map(String), just_below: count })
})
function mapConstant(value: typeof price) {
  const { price_usd, sequence, observed_at } = value
  return { price_usd: fc.constant(price_usd), sequence: fc.constant(sequence), observed_at: fc.constant(observed_at) }
}
const amount = fc.integer({ min: 0, max: 400_000 }).map(cents => plainDecimal(cents / 100))

test('whatever is known: only who is verified and on no list, by a list in force is approved; an address on a list is always rejected', () => {
  fc.assert(
    fc.property(anyFacts, amount, fc.boolean(), (known, value, isPriced) => {
      const verdict = decide(
        { ...input, ...(isPriced ? { amount: value } : { amount_usd: value }) },
        { facts: known, limits }
      )
      const { sanctions, user, payee } = known
      assert.equal(verdict.status === 'rejected', (sanctions.payer ?? sanctions.payee) !== null)
      if (verdict.approved) assert.ok(known.list && user?.kyc_status === 'verified')
      if (user?.name_listed || payee?.name_listed) assert.equal(verdict.approved, false)
      assert.equal(verdict.approved, verdict.reasons.length === 0)
    })
  )
})

test('a larger amount is never approved where a smaller one isn’t, but for having been just below a threshold', () => {
  fc.assert(
    fc.property(anyFacts, amount, amount, (known, one, other) => {
      const [small, large] = [one, other].sort((a, b) => Number(a) - Number(b)) as [string, string] // two of them
      const reasons = (amount_usd: string) =>
        new Set(decide({ ...input, amount_usd }, { facts: known, limits }).reasons)
      const missing = [...reasons(small)].filter(reason => !reasons(large).has(reason))
      assert.deepEqual(
        missing.filter(reason => reason !== 'structuring_suspected'),
        []
      )
    })
  )
})

test('amounts are exact, in whatever form they come', () => {
  assert.equal(plainDecimal('1.500'), '1.5')
  assert.equal(plainDecimal(0.1), '0.1')
  assert.equal(plainDecimal(1e21), '1000000000000000000000')
  assert.equal(plainDecimal(1e-18), '0.000000000000000001')
  const tiny = { price: { ...price, price_usd: '1000' } }
  const statusOf = (amount: string) => decide({ ...input, amount }, { facts: { ...facts, ...tiny }, limits }).status
  assert.deepEqual([statusOf('0.999999999999999999999999999999999999'), statusOf('1')], ['approved', 'review'])
})

test('the country decides whose rule applies, FATF’s where none is its own', () => {
  const countries = ['US', 'DE', 'NO', 'CH', 'GB', 'XX', undefined]
  assert.deepEqual(countries.map(jurisdictionOfCountry), ['US', 'EU', 'EU', 'FATF', 'FATF', 'FATF', 'FATF'])
})
