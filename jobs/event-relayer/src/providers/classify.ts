import type { Range } from '../chain.ts'
import type { Advice } from './fault.ts'
import { errorIn, parseJson, type RpcError } from './json-rpc.ts'
import { type Headers, retryAfter } from './retry-after.ts'
import { suggestedRange } from './suggested-range.ts'

/** An HTTP answer that holds no result, or none that can be used. */
export type Refusal = { status: number; headers?: Headers; body: string }

type Facts = { status: number; error: RpcError | undefined; code: number; message: string; text: string }

/** Limit exceeded, response too big, range too large (QuickNode), ranges on a free tier (dRPC). */
const LIMIT_CODES = new Set([-32005, -32008, -32614, 35])
const LIMIT = String.raw`\b(?:more than|exceed\w*|max\w*|too \w+|over|limit\w*|up to|at most|smaller|greater|larger|less than|threshold)\b`

const DENIED = /\b(not provided|legacy access|monthly)\b/i
const RATE =
  /rate.?limit|request rate|too many requests|requests? (count )?(limit|quota)|per (second|minute)|compute units|throttl|quota|slow down|\b1015\b/i
const ADDRESSES = new RegExp(String.raw`${LIMIT}.{0,30}\b(addresses|topics)\b`, 'i')
const RESULTS = new RegExp(String.raw`${LIMIT}.{0,40}\b(results?|logs|entries|events|records)\b`, 'i')
const SIZE = /\b(response|result|answer|body|payload)\b.{0,20}(too (big|large)|exceed)/i
const RANGE = new RegExp(
  String.raw`\b(range|ranges|blocks|distance|size)\b.*${LIMIT}|${LIMIT}.*\b(range|ranges|blocks|distance|size)\b`,
  'i'
)
const SLOW = /\b(query|execution|filter)\b.{0,20}(timeout|timed out)/i
const NARROW = /paginat|(narrow|reduce|smaller|shorter).{0,20}range/i
const NOT_YET = /not found|cannot be found|unknown block|after last accepted|invalid block range|not yet|beyond|future/i
const NEVER =
  /missing trie|prun|archive|not (currently )?(a )?support|unsupported|does not exist|not available|not allowed|disabled/i

/** What to do about a refusal, by groups of meaning rather than by provider. `now` in milliseconds reads a Retry-After date where the answer has no date of its own. */
export function classify(
  { status, headers = {}, body }: Refusal,
  { asked, now }: { asked?: Range | undefined; now: number }
): Advice {
  const error = errorIn(parseJson(body))
  const message = error?.message ?? ''
  const data = typeof error?.data === 'string' ? error.data : ''
  const facts: Facts = {
    status,
    error,
    code: error?.code ?? 0,
    message,
    text: error ? `${message} ${data}` : body.slice(0, 500)
  }

  const reversed = asked !== undefined && asked.from > asked.to
  if (reversed || isDenied(facts)) return { kind: 'give_up' }
  if (isRateLimited(facts) || (status === 503 && headers['retry-after'] !== undefined)) {
    const retry_after_ms = retryAfter({ headers, error }, now)
    return retry_after_ms === undefined ? { kind: 'rate_limited' } : { kind: 'rate_limited', retry_after_ms }
  }
  if (error && ADDRESSES.test(message)) return { kind: 'split', shrink: 'addresses' }
  if (isTooMuch(facts)) {
    const suggested = suggestedRange(message, asked)
    return suggested ? { kind: 'split', suggested } : { kind: 'split' }
  }
  return isRefused(facts) ? { kind: 'give_up' } : { kind: 'retry' }
}

const isDenied = ({ status, code, message }: Facts): boolean =>
  [401, 402, 403].includes(status) || code === -32601 || code === -32004 || DENIED.test(message)

const isRateLimited = ({ status, code, text }: Facts): boolean => status === 429 || code === 429 || RATE.test(text)

const isTooMuch = ({ status, code, message, error }: Facts): boolean =>
  status === 413 ||
  LIMIT_CODES.has(code) ||
  (error !== undefined && [RESULTS, SIZE, RANGE, SLOW, NARROW].some(wording => wording.test(message)))

/** A complaint about the request that time won't change. */
function isRefused({ status, code, message, error }: Facts): boolean {
  if (!error) return status >= 300 && status < 500 && status !== 408 && status !== 425
  if (NOT_YET.test(message)) return false
  return NEVER.test(message) || code === -32600 || code === -32602
}
