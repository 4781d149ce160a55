import { type TSchema, Type } from 'typebox'

/** A schema or null. */
export const Nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])

/** Whole units of an asset (`1.5` ETH) or USD, as a caller may give them: a decimal string, or a JSON number. */
export const WholeUnits = Type.Union([
  Type.String({ pattern: '^(0|[1-9][0-9]{0,77})(\\.[0-9]{1,36})?$' }),
  Type.Number({ minimum: 0 })
])

/** USD as services answer it: an exact decimal string. */
export const Usd = Type.String({ pattern: '^-?(0|[1-9][0-9]*)(\\.[0-9]+)?$' })

/** Whatever name the caller's own system gives a user; for what comes from the chain, the payer's address. */
export const UserId = Type.String({ minLength: 1, maxLength: 200, pattern: '^[^\\s\\p{C}]+$' })
