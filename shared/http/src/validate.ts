import { unstorable } from '@fusion-prime/events'
import type { FastifySchemaCompiler } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { Value } from 'typebox/value'

/** Converts the texts of a URL's parts; what would be another number afterwards (`5.7`, `true`, nothing) stays as it is, and is refused. */
function convert(schema: TSchema, data: unknown): unknown {
  const texts = { ...Object(data) }
  const values = { ...Object(Value.Convert(schema, data)) }
  for (const [name, text] of Object.entries(texts)) {
    const isNumber = typeof text === 'string' && typeof values[name] === 'number'
    if (isNumber && (text === '' || Number(text) !== values[name])) values[name] = text
  }
  return values
}

/**
 * Validates with the schemas' own library, so that routes and topics know the same formats. Only the parts of a URL are converted. What
 * Postgres can't hold is refused here, also in fields that no schema knows.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const compiled = Compile(schema)
  return data => {
    const value = httpPart === 'querystring' || httpPart === 'params' ? convert(schema, data) : data
    const fault = unstorable(value)
    if (fault) return { error: new Error(`${httpPart} has ${fault}`) }
    if (compiled.Check(value)) return { value }
    const [first] = compiled.Errors(value)
    return { error: new Error(`${httpPart}${first?.instancePath ?? ''} ${first?.message ?? 'is not valid'}`) }
  }
}
