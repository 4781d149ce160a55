import type { Sql } from './create-sql.ts'

/** ASCII's unit separator: JSON escapes it, and hex, UUIDs and numbers don't have it. */
const SEPARATOR = '\x1f'

/**
 * A text[] of values that can't hold a control character, as one text: an array's own form would quote and scan every one.
 * For JSON, hex and UUIDs of large batches.
 */
export function packed(sql: Sql, values: readonly string[]) {
  // Each value stands behind a separator: so no batch and one empty value differ.
  const text = values.map(value => SEPARATOR + value).join('')
  return sql`(string_to_array(${text}, ${SEPARATOR}))[2:]`
}
