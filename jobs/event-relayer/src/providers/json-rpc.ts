export type RpcError = { code: number; message: string; data: unknown }

/** Undefined for a body that isn't JSON: an empty, cut off or HTML one. */
export function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The answers of a batch, or the one of a call, by the ids that they name. An answer may have millions of items, so nothing is made of each. */
export function itemsById(answer: unknown): Map<unknown, Record<string, unknown>> {
  const items = new Map<unknown, Record<string, unknown>>()
  for (const item of [answer].flat()) if (isRecord(item)) items.set(item.id, item)
  return items
}

/** What matters stands at the beginning; a text of megabytes would keep whoever searches it busy for hours. */
const MOST_CHARACTERS = 2_000

/** The error of an answer, or the first one of a batch's. Providers give it as an object, some gateways as a text. */
export function errorIn(answer: unknown): RpcError | undefined {
  for (const item of [answer].flat()) {
    const error = errorOf(item)
    if (error) return error
  }
  return undefined
}

function errorOf(answer: unknown): RpcError | undefined {
  if (!isRecord(answer)) return undefined
  const { error } = answer
  if (typeof error === 'string') return { code: 0, message: beginning(error), data: undefined }
  if (!isRecord(error)) return undefined
  const { code, message, data } = error
  return {
    code: Number(plain(code) ?? 0),
    message: beginning(String(plain(message) ?? '')),
    data: typeof data === 'string' ? beginning(data) : data
  }
}

/** Undefined for lists and objects: one with a `toString` of its own makes no text. */
const plain = (value: unknown): unknown => (typeof value === 'object' ? undefined : value)

const beginning = (text: string): string => text.slice(0, MOST_CHARACTERS)
