import type { KycStatus } from '../kyc/kyc.ts'
import { Decimal } from './amount.ts'
import { JUST_BELOW_SHARE, type Jurisdiction, STRUCTURING_PAYMENTS, thresholdOf } from './rules.ts'

/** What was asked, in one form: plain decimals, addresses as lists have them. */
export type Input = {
  user_id: string
  payer_address: string
  payee_address: string
  /** whole units */
  amount: string
  asset: string
  amount_usd: string | null
  jurisdiction: Jurisdiction | null
  /** What the payment belongs to: several checks of one count as one payment. */
  workflow_id: string | null
}

/** What KYC says of somebody; null where there is no case. */
export type Standing = { kyc_status: KycStatus; name_listed: boolean } | null

/** All else that a decision is made from. Nothing personal: it is kept for ever. */
export type Facts = {
  jurisdiction: Jurisdiction
  /** The list in force; null while there is none. */
  list: { version: string; sha256: string; as_of: string } | null
  /** Names of the lists that have the addresses. */
  sanctions: { payer: string | null; payee: string | null }
  user: Standing
  payee: Standing
  /** Of one whole unit; null where it isn't needed, or there is none. */
  price: { price_usd: string; sequence: string; observed_at: string; fresh: boolean } | null
  /** The user's other payments of the last 24 h that count; USD where they had a price. */
  recent: { payments: string; total_usd: string; just_below: string }
}

/** Settings that the decision depends on. */
export type Limits = { velocity_max_payments: string; velocity_max_usd: string }

export type Verdict = {
  status: 'approved' | 'review' | 'rejected'
  approved: boolean
  /** What was passed. */
  checks: string[]
  /** Why it isn't approved. */
  reasons: string[]
}

/** The outcome of one rule. `rejects` says what can't be put right, `doubts` what somebody must look at. */
type Finding = { check: string; rejects?: string[]; doubts?: string[] }

type Question = { input: Input; facts: Facts; limits: Limits; usd: Decimal | undefined }

/** The decision; approved only if every rule was passed. */
export function decide(input: Input, { facts, limits }: { facts: Facts; limits: Limits }): Verdict {
  const question = { input, facts, limits, usd: usdOf(input, facts) }
  const aml = [travelRule(question), structuring(question), velocity(question)]
  const findings = [kyc(question), sanctions(question), ...aml]
  const passed = findings.filter(isPassed).map(one => one.check)
  const checks = aml.every(isPassed) ? [...passed, 'aml_clear'] : passed
  const rejects = findings.flatMap(one => one.rejects ?? [])
  const doubts = findings.flatMap(one => one.doubts ?? [])
  const reasons = [...new Set([...rejects, ...doubts])]
  if (rejects.length > 0) return { status: 'rejected', approved: false, checks, reasons }
  if (doubts.length > 0) return { status: 'review', approved: false, checks, reasons }
  return { status: 'approved', approved: true, checks, reasons }
}

const isPassed = ({ rejects = [], doubts = [] }: Finding): boolean => rejects.length + doubts.length === 0

/** What the payment is worth; undefined where nobody says, and the price is missing or stale. */
export function usdOf(
  { amount, amount_usd }: Pick<Input, 'amount' | 'amount_usd'>,
  { price }: Pick<Facts, 'price'>
): Decimal | undefined {
  if (amount_usd !== null) return new Decimal(amount_usd)
  return price?.fresh ? new Decimal(amount).times(price.price_usd) : undefined
}

function kyc({ facts: { user } }: Question): Finding {
  if (!user) return { check: 'kyc_verified', doubts: ['user_unknown'] }
  return { check: 'kyc_verified', doubts: user.kyc_status === 'verified' ? [] : [`kyc_${user.kyc_status}`] }
}

/** Without a list nobody is clear. */
function sanctions({ facts }: Question): Finding {
  const rejects = [
    ...(facts.sanctions.payer === null ? [] : ['payer_sanctioned']),
    ...(facts.sanctions.payee === null ? [] : ['payee_sanctioned'])
  ]
  // A name is only like another one: a person has to look.
  const doubts = [
    ...(facts.user?.name_listed ? ['user_name_sanctioned'] : []),
    ...(facts.payee?.name_listed ? ['payee_name_sanctioned'] : []),
    ...(facts.list ? [] : ['sanctions_list_unavailable'])
  ]
  return { check: 'sanctions_clear', rejects, doubts }
}

/**
 * From the jurisdiction's threshold on, originator and beneficiary must be known: both with a verified KYC case, the payee's under its
 * address. Below it nothing is asked of the payee. An amount that nobody can value is taken to be above.
 */
function travelRule({ facts: { jurisdiction, user, payee }, usd }: Question): Finding {
  const check = 'travel_rule_met'
  if (!usd) return { check, doubts: ['no_fresh_price'] }
  const isKnown = (standing: Standing) => standing?.kyc_status === 'verified'
  const applies = usd.gte(thresholdOf(jurisdiction))
  return { check, doubts: applies && !(isKnown(user) && isKnown(payee)) ? ['travel_rule_data_missing'] : [] }
}

const isJustBelow = (usd: Decimal, jurisdiction: Jurisdiction): boolean => {
  const threshold = thresholdOf(jurisdiction)
  return usd.lt(threshold) && usd.gte(new Decimal(threshold).times(JUST_BELOW_SHARE))
}

function structuring({ facts: { jurisdiction, recent }, usd }: Question): Finding {
  const check = 'structuring_clear'
  if (!usd) return { check, doubts: ['no_fresh_price'] }
  const payments = Number(recent.just_below) + (isJustBelow(usd, jurisdiction) ? 1 : 0)
  return { check, doubts: payments >= STRUCTURING_PAYMENTS ? ['structuring_suspected'] : [] }
}

function velocity({ facts: { recent }, limits, usd }: Question): Finding {
  const check = 'velocity_ok'
  const tooMany = Number(recent.payments) + 1 > Number(limits.velocity_max_payments)
  const tooMuch = new Decimal(recent.total_usd).plus(usd ?? 0).gt(limits.velocity_max_usd)
  return { check, doubts: [...(usd ? [] : ['no_fresh_price']), ...(tooMany || tooMuch ? ['velocity_exceeded'] : [])] }
}
