import type { Sql } from './create-sql.ts'

/** ASCII's unit separator: JSON escapes it, and hex, UUIDs and numbers don't have it. */
const SEPARATOR = '\x1f'

/**
 * A text[] of values that can't hold a control character, as one text: an array's own form would quote and scan every one.
 * For JSON, hex and UUIDs of large batches. An empty batch is `{}`; an empty value is refused, since one alone would vanish.
 */
export function packed(sql: Sql, values: readonly string[]) {
  const text = values.join(SEPARATOR)
  if (values.includes('')) throw new Error('an empty text can’t be packed')
  return sql`string_to_array(${text}, ${SEPARATOR})`
}
