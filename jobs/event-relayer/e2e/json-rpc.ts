export type Call = { id: unknown; method: string; params: readonly unknown[] }

/** An error that a node answers, as it stands in the body. */
export class JsonRpcError extends Error {
  readonly code: number
  readonly data: unknown

  constructor(code: number, message: string, data?: unknown) {
    super(message)
    this.code = code
    this.data = data
  }
}

/** Asks a node directly; throws what it answers as an error. */
export async function ask(url: string, method: string, params: readonly unknown[] = []): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  // JSON-RPC's answer; the node is our own.
  const { result, error } = (await answer.json()) as { result?: unknown; error?: JsonRpcError }
  if (error) throw new JsonRpcError(error.code, error.message, error.data)
  return result
}

export const hex = (value: number): `0x${string}` => `0x${value.toString(16)}`
