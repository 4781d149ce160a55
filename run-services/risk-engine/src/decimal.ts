import { HttpProblem } from '@fusion-prime/http'
import { Decimal as DecimalJs } from 'decimal.js'

/**
 * Exact for all that is added, subtracted and multiplied here: an amount has at most 78.36 digits and a price 60.36, a value therefore
 * 138.72, and the longest product is a squared value times a deviation. A quotient isn't exact: see `roundedRatio`.
 */
export const Decimal = DecimalJs.clone({ precision: 600, rounding: DecimalJs.ROUND_HALF_UP })
export type Decimal = DecimalJs

/** For logarithms, roots and means, which have no exact value: 30 digits. */
export const Approximate = DecimalJs.clone({ precision: 30, rounding: DecimalJs.ROUND_HALF_UP })

export const ZERO = new Decimal(0)

/** Decimals after the point that an answer has at most. */
const ANSWER_PLACES = 60

/** A decimal text, or a JSON number by its shortest decimal text. */
export const parseDecimal = (value: string | number): Decimal => new Decimal(String(value))

/** An amount in whole units as a client gives it; HttpProblem 400 unless it has at most 78 digits before the point and 36 after it. */
export function parseAmount(value: string | number): Decimal {
  const amount = /^[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?$/.test(String(value)) ? parseDecimal(value) : undefined
  if (!amount || amount.e >= 78 || amount.decimalPlaces() > 36)
    throw new HttpProblem(
      400,
      `${String(value).slice(0, 60)} is not an amount: give whole units like "1.5", not negative`
    )
  return amount
}

/** Plain decimal text: no exponent, no trailing zeros, no minus before zero. */
export const formatDecimal = (value: Decimal): string => fixed(value.toDecimalPlaces(ANSWER_PLACES))

/** Plain decimal text with so many places, rounded half-up. */
export const formatFixed = (value: Decimal, places: number): string => fixed(value, places)

const fixed = (value: Decimal, places?: number): string => value.toFixed(places).replace(/^-(?=[0.]*$)/, '')

export const sum = (values: readonly Decimal[]): Decimal => values.reduce((total, value) => total.plus(value), ZERO)

/** The quotient, rounded half-up (away from zero) to so many places: right for every input, since nothing is rounded before. */
export function roundedRatio(ratio: { of: Decimal; to: Decimal; places: number }): Decimal {
  const { of, to, places } = ratio
  const scaled = of.abs().times(`2e${places}`).plus(to.abs())
  const magnitude = scaled.divToInt(to.abs().times(2)).times(`1e-${places}`)
  return magnitude.isZero() || of.isNegative() === to.isNegative() ? magnitude : magnitude.negated()
}
