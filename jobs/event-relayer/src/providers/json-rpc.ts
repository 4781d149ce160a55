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

/** The error of an answer, or the first one of a batch's. Providers give it as an object, some gateways as a text. */
export function errorIn(answer: unknown): RpcError | undefined {
  if (Array.isArray(answer)) return answer.map(errorIn).find(error => error !== undefined)
  if (!isRecord(answer)) return undefined
  const { error } = answer
  if (typeof error === 'string') return { code: 0, message: error, data: undefined }
  if (!isRecord(error)) return undefined
  return { code: Number(error.code ?? 0), message: String(error.message ?? ''), data: error.data }
}
