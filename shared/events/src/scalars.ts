import { type TSchema, Type } from 'typebox'
import { Format } from 'typebox/format'

const MAX_UINT256 = 2n ** 256n - 1n

// Called whether or not the pattern fits; BigInt throws on what isn't an integer.
Format.Set('uint256', text => /^[0-9]{1,78}$/.test(text) && BigInt(text) <= MAX_UINT256)
Format.Set('utc-time', text => {
  const day = text.slice(0, 10)
  const parsed = Date.parse(text)
  return !day.startsWith('0000') && !Number.isNaN(parsed) && new Date(parsed).toISOString().startsWith(day)
})

/** An EVM address: lower-case hex, 20 bytes. */
export const Address = Type.String({ pattern: '^0x[0-9a-f]{40}$' })

/** A block or transaction hash: lower-case hex, 32 bytes. */
export const Hash = Type.String({ pattern: '^0x[0-9a-f]{64}$' })

/** An amount in the asset's base units (wei), 0 to 2^256 - 1, as a decimal string. */
export const BaseUnits = Type.String({ pattern: '^(0|[1-9][0-9]{0,77})$', format: 'uint256' })

/** A number of seconds that may be as large as the contract's uint256, as a decimal string. */
export const Seconds = Type.String({ pattern: '^(0|[1-9][0-9]{0,77})$', format: 'uint256' })

/** A count, height or position that JSON carries exactly: 0 to 2^53 - 1. */
export const SafeInteger = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })

/** A UUID of version 8 (RFC 9562), made by `uuid8` from the parts that it identifies. */
export const DerivedId = Type.String({
  pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'
})

/** ISO 8601 in UTC, to the second or finer: `2026-01-31T12:00:00Z`. */
export const UtcTime = Type.String({
  pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,9})?Z$',
  format: 'utc-time'
})

/** The ticker of an asset: `ETH`. */
export const AssetSymbol = Type.String({ pattern: '^[A-Za-z0-9.]{1,32}$' })

/** A UUID of any version, lower-case. */
export const Uuid = Type.String({
  pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'
})

/** A name that somebody outside gave to a user, an account or a workflow. */
export const Reference = Type.String({ minLength: 1, maxLength: 200, pattern: '^[^\\s\\p{C}]+$' })

/** A non-negative decimal, exact, as a string: `3941.34`; at most 60 digits before the point and 36 after it. */
export const Decimal = Type.String({ pattern: '^(0|[1-9][0-9]{0,59})(\\.[0-9]{1,36})?$' })

/** A schema or null. */
export const Nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
