import { Buffer } from 'node:buffer'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AnswerOf, Operation } from '@fusion-prime/operations'
import { describeError, PermanentError } from '@fusion-prime/runtime'
import { Compile, type Validator } from 'typebox/compile'

/** Largest answer that is read, in bytes. */
const MAX_ANSWER_BYTES = 1_048_576
/** The words of a fault are waited for this long: its status says whether to try again. */
const WORDS_MS = 1_000

export type FaultReason = 'unreachable' | 'timeout' | 'rate_limited' | 'refused' | 'server_error' | 'invalid_answer'

/** Why an attempt failed; only what was `refused` isn't worth another one. */
export class AttemptFault extends Error {
  override readonly name = 'AttemptFault'
  readonly reason: FaultReason
  readonly status: number | null
  /** For how long the callee asked to be left alone. */
  readonly retryAfterMs: number

  constructor(reason: FaultReason, detail: string, { status = null, retryAfterMs = 0 }: FaultContext = {}) {
    super(detail)
    this.reason = reason
    this.status = status
    this.retryAfterMs = retryAfterMs
  }
}

type FaultContext = { status?: number | null; retryAfterMs?: number }

/** A call in HTTP's terms. */
export type CallRequest = { url: URL; method: 'GET' | 'POST'; body: string | undefined }

/** Puts a request's values where its operation wants them: in the path, and the others in the query of a GET or the body. */
export function buildRequest(root: URL, operation: Operation, values: Readonly<Record<string, unknown>>): CallRequest {
  const { method, path } = operation
  const rest = { ...values }
  const filled = path.replaceAll(/:(\w+)/g, (_, name: string) => {
    const value = String(rest[name] ?? '')
    delete rest[name]
    // A URL takes these for steps up and down.
    if (['', '.', '..'].includes(value)) throw new PermanentError(`${operation.id}: ${name} can’t be "${value}"`)
    return encodeURIComponent(value)
  })
  const url = new URL(filled, root)
  if (method === 'POST') return { url, method, body: JSON.stringify(rest) }
  for (const [name, value] of Object.entries(rest)) {
    if (value !== undefined && value !== null) url.searchParams.set(name, String(value))
  }
  return { url, method, body: undefined }
}

/** One exchange; throws an AttemptFault for whatever isn't a valid answer, and what the signal says when that ends it. */
export async function exchange<Op extends Operation>(
  operation: Op,
  { url, method, body }: CallRequest,
  { headers, signal }: { headers: Record<string, string>; signal: AbortSignal }
): Promise<AnswerOf<Op>> {
  try {
    const sent = body === undefined ? {} : { body }
    const response = await fetch(url, { method, ...sent, headers, signal, redirect: 'manual' })
    if (!response.ok) throw await faultOf(response)
    return readAnswer(operation, response.status, await readText(response))
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof AttemptFault) throw error
    throw new AttemptFault('unreachable', describeError(error))
  }
}

async function readText({ body, status }: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body ?? []) {
    bytes += chunk.length
    if (bytes > MAX_ANSWER_BYTES)
      throw new AttemptFault('invalid_answer', `an answer of more than ${MAX_ANSWER_BYTES} bytes`, { status })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, bytes).toString()
}

const validators = new WeakMap<Operation, Validator>()

function readAnswer<Op extends Operation>(operation: Op, status: number, text: string): AnswerOf<Op> {
  const validator = validators.get(operation) ?? Compile(operation.answer)
  validators.set(operation, validator)
  const value = parseJson(text)
  // What the answer's schema says is what AnswerOf says.
  if (validator.Check(value)) return value as AnswerOf<Op>
  const [first] = validator.Errors(value)
  const detail = value === undefined ? 'the answer is not JSON' : `the answer${first?.instancePath} ${first?.message}`
  throw new AttemptFault('invalid_answer', detail, { status })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function faultOf(response: Response): Promise<AttemptFault> {
  const { status, headers } = response
  const late = sleep(WORDS_MS, '', { ref: false })
  const text = await Promise.race([readText(response).catch(() => ''), late])
  const context = { status, retryAfterMs: retryAfterOf(headers) }
  return new AttemptFault(reasonOf(status), `${status}${wordsOf(text)}`, context)
}

function reasonOf(status: number): FaultReason {
  if (status === 408) return 'timeout'
  if (status === 429) return 'rate_limited'
  if (status >= 500) return 'server_error'
  // A redirect isn't followed: it would carry the token to another place.
  return status >= 400 ? 'refused' : 'invalid_answer'
}

/** What problem details say, on one line. */
function wordsOf(text: string): string {
  const problem = parseJson(text)
  if (typeof problem !== 'object' || problem === null || !('detail' in problem)) return ''
  return ` ${String(problem.detail).replaceAll(/\p{C}/gu, ' ').slice(0, 200)}`
}

/** Seconds or a date, the latter by the callee's own clock where it says that: ours may differ. */
function retryAfterOf(headers: Headers): number {
  const value = headers.get('retry-after')?.trim() ?? ''
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1_000
  const said = Date.parse(headers.get('date') ?? '')
  const wait = Date.parse(value) - (Number.isNaN(said) ? Date.now() : said)
  return wait > 0 ? wait : 0
}
