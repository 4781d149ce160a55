import type { Refusal } from '../reading.ts'

/** A provider that didn't answer as it should; the code says how, never with its URL, which may hold a key. */
export class SourceError extends Error {
  override readonly name = 'SourceError'
  readonly code: Refusal

  constructor(code: Refusal, options?: ErrorOptions) {
    super(code, options)
    this.code = code
  }
}

/** Far more than any answer that is waited for. */
const MAX_BYTES = 1_048_576

/**
 * `fetch` with an end: the whole body within `timeoutMs` and 1 MiB, no redirects. Answers with the body read; throws SourceError,
 * also for any status but 200.
 */
export function createBoundedFetch(timeoutMs: number): typeof fetch {
  return async (input, init) => {
    const signal = AbortSignal.timeout(timeoutMs)
    try {
      const response = await fetch(input, { ...init, signal, redirect: 'error' })
      if (response.status !== 200) {
        await response.body?.cancel()
        throw new SourceError(`http_${response.status}`)
      }
      return new Response(await readBody(response), { headers: response.headers })
    } catch (error) {
      if (error instanceof SourceError) throw error
      throw new SourceError(signal.aborted ? 'timeout' : 'unreachable', { cause: error })
    }
  }
}

async function readBody(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > MAX_BYTES) throw new SourceError('too_large')
    chunks.push(chunk)
  }
  return new Uint8Array(Buffer.concat(chunks))
}
