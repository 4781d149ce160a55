/** JSON in which every number stays the text that was sent, so that no digit is lost. Undefined when it isn't JSON. */
export function parseExactJson(text: string): unknown {
  try {
    return JSON.parse(text, keepDigits)
  } catch {
    return undefined
  }
}

// The third argument (ES2026) is missing from the compiler's own types.
function keepDigits(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' ? (context?.source ?? String(value)) : value
}

/** What stands at a path of keys and positions; undefined where the path ends early. */
export function at(value: unknown, ...path: (string | number)[]): unknown {
  let inner = value
  for (const key of path) {
    // Own properties only: `constructor` is no field of a body.
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, key)) return undefined
    inner = (inner as Record<string | number, unknown>)[key] // it has the key, as was just asked
  }
  return inner
}
