import { Decimal as Base } from 'decimal.js'

/** Enough digits that sums, products and halves of prices (60 digits before the point, 36 after) are exact; never in exponential form. */
export const Decimal = Base.clone({ precision: 250, toExpNeg: -9e15, toExpPos: 9e15 })
export type Decimal = Base

/** Digits after the point that a published price may have. */
const PLACES = 36
const LARGEST = new Decimal(10).pow(60)
const NUMBER = /^-?[0-9]{1,80}(\.[0-9]{1,80})?([eE][+-]?[0-9]{1,2})?$/

/** The number that a text is, exactly; undefined for anything else, also for what no price can be. */
export function parseDecimal(text: unknown): Decimal | undefined {
  if (typeof text !== 'string' || !NUMBER.test(text)) return undefined
  const value = new Decimal(text)
  return value.abs().lt(LARGEST) && value.decimalPlaces() <= PLACES ? value : undefined
}

/** The middle one, or the mean of the two in the middle: exact. Throws a RangeError for none. */
export function median(values: readonly Decimal[]): Decimal {
  const sorted = values.toSorted((a, b) => a.cmp(b))
  const low = sorted[Math.floor((sorted.length - 1) / 2)]
  const high = sorted[Math.floor(sorted.length / 2)]
  if (!low || !high) throw new RangeError('there is no median of no values')
  return low.plus(high).div(2)
}

/** |a − b| in percent of b. */
export const percentApart = (a: Decimal, b: Decimal): Decimal => a.minus(b).abs().times(100).div(b)

/** As it is published: no trailing zeros, at most 36 digits after the point. */
export const priceText = (price: Decimal): string => price.toDecimalPlaces(PLACES).toFixed()
