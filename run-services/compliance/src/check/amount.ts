import { Decimal as DecimalJs } from 'decimal.js'

/** Exact for all that is added and multiplied here: a JSON number has at most 309 digits before the point, a price 60.36. */
export const Decimal = DecimalJs.clone({ precision: 1_000 })
export type Decimal = DecimalJs

/** A decimal text or a JSON number (by its shortest text) as plain decimal text: no exponent, no trailing zeros. */
export const plainDecimal = (value: string | number): string => new Decimal(value).toFixed()
