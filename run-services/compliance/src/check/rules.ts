/** The book of rules: whoever changes a figure or `decide` here raises the version, and keeps the old book for replays. */
export const RULES_VERSION = '1'

/** USD from which the Travel Rule applies. */
const thresholds = { FATF: '1000', US: '3000', EU: '0' } as const

export type Jurisdiction = keyof typeof thresholds
export const jurisdictions = Object.keys(thresholds)

export const isJurisdiction = (text: string): text is Jurisdiction => Object.hasOwn(thresholds, text)

export const thresholdOf = (jurisdiction: Jurisdiction): string => thresholds[jurisdiction]

/** A payment of at least this share of the threshold, and less than it, is just below it. */
export const JUST_BELOW_SHARE = '0.9'
/** So many payments just below the threshold within the window look like one that was split. */
export const STRUCTURING_PAYMENTS = 3
export const WINDOW_HOURS = 24

/** Where the EU's regulation on transfers of funds applies: its members and the rest of the European Economic Area. */
const europeanArea = new Set(
  'AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK'.split(' ')
)

/** Whose rule applies to a user of a country; FATF's where there is no stricter or laxer one. */
export function jurisdictionOfCountry(country: string | undefined): Jurisdiction {
  if (country === 'US') return 'US'
  return country !== undefined && europeanArea.has(country) ? 'EU' : 'FATF'
}
