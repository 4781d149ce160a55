import { isRecord, type RpcError } from './json-rpc.ts'

export type Headers = Readonly<Record<string, string | string[] | undefined>>

/** A longer wait is nobody's rate limit, and may be no time at all. */
const MOST_MS = 86_400_000

/** Milliseconds to wait, a day at most, by the header (seconds or a date) or the error itself; undefined where nothing is said, or zero. */
export function retryAfter(
  { headers, error }: { headers: Headers; error: RpcError | undefined },
  now: number
): number | undefined {
  const ms = fromHeader(headers, now) ?? fromError(error)
  return ms !== undefined && ms > 0 ? Math.min(Math.ceil(ms), MOST_MS) : undefined
}

function fromHeader(headers: Headers, now: number): number | undefined {
  const value = text(headers['retry-after'])
  if (value === undefined) return undefined
  if (/^\s*\d+(\.\d+)?\s*$/.test(value)) return Number(value) * 1000
  // The provider's own clock where it says it: ours may differ.
  const wait = Date.parse(value) - (dateOf(headers) ?? now)
  return Number.isNaN(wait) ? undefined : wait
}

function dateOf(headers: Headers): number | undefined {
  const date = Date.parse(text(headers.date) ?? '')
  return Number.isNaN(date) ? undefined : date
}

function fromError(error: RpcError | undefined): number | undefined {
  const rate = isRecord(error?.data) ? error.data.rate : undefined
  if (isRecord(rate) && typeof rate.backoff_seconds === 'number') return rate.backoff_seconds * 1000
  const said = /(?:retry|try again)\D{0,20}\b(\d+(?:\.\d+)?)\s*(ms|m(?:illi)?s|s)/i.exec(error?.message ?? '')
  return said ? Number(said[1]) * (said[2]?.toLowerCase() === 's' ? 1000 : 1) : undefined
}

const text = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value)
