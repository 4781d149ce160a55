/** JSON is refused beyond this depth; no message of the catalogue is deeper than 2. */
const MAX_DEPTH = 32

/** Parses a JSON object that a text column of Postgres can hold; otherwise says why not: NUL, lone surrogate, too deep. */
export function parseJsonObject(
  text: string
): { value: Record<string, unknown> } | { fault: 'not_json' | 'invalid'; detail: string } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return { fault: 'not_json', detail: error instanceof Error ? error.message : 'not JSON' }
  }
  if (!isObject(value)) return { fault: 'invalid', detail: 'the body is not a JSON object' }
  const detail = unstorable(value)
  return detail ? { fault: 'invalid', detail } : { value }
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Why Postgres can't hold a value of JSON, if it can't: NUL, lone surrogate, too deep. */
export function unstorable(value: unknown, depth = 1): string | undefined {
  if (typeof value === 'string') return unstorableText(value)
  if (typeof value !== 'object' || value === null) return undefined
  if (depth > MAX_DEPTH) return `nested deeper than ${MAX_DEPTH}`
  for (const [key, part] of Object.entries(value)) {
    const fault = unstorableText(key) ?? unstorable(part, depth + 1)
    if (fault) return fault
  }
  return undefined
}

/** Why Postgres can't hold a text, if it can't. */
export function unstorableText(text: string): string | undefined {
  if (text.includes('\u0000')) return 'a NUL character'
  return text.isWellFormed() ? undefined : 'a lone surrogate'
}
