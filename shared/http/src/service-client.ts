import { setTimeout as sleep } from 'node:timers/promises'
import type { AnswerOf, Operation, RequestOf } from '@fusion-prime/operations'
import { childTraceparent, describeError, type Log } from '@fusion-prime/runtime'
import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen, isBrokenCircuitError } from 'cockatiel'
import pRetry, { type RetryContext } from 'p-retry'
import type { CallSettings } from './call-settings.ts'
import type { IdToken } from './id-tokens.ts'
import { AttemptFault, buildRequest, type CallRequest, exchange, type FaultReason } from './service-client-attempt.ts'

export type CallContext = { correlation_id: string; traceparent: string; signal?: AbortSignal }

export type CallFailure = {
  ok: false
  reason: FaultReason | 'breaker_open'
  /** HTTP's, of the last attempt; null where nothing was answered. */
  status: number | null
  detail: string
  attempts: number
}

export type CallResult<Op> = { ok: true; answer: AnswerOf<Op>; attempts: number } | CallFailure

export type ServiceClient = {
  /** Never throws for what the callee does; throws the signal's reason when that is aborted, and a PermanentError for a request that has no URL. */
  call<Op extends Operation>(operation: Op, request: RequestOf<Op>, context: CallContext): Promise<CallResult<Op>>
  breaker(): 'closed' | 'open' | 'half_open'
}

export type ServiceClientOptions = {
  /** The callee's, for the log. */
  name: string
  /** The callee's root URL, and so the audience of the tokens that it wants. */
  url: string
  idToken: IdToken
  settings: CallSettings
  log: Log
}

const breakerStates = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.HalfOpen]: 'half_open',
  [CircuitState.Isolated]: 'open'
} as const

/** Calls the operations of one other service: timeout, retries with back-off, and a circuit breaker around the whole call. */
export function createServiceClient(options: ServiceClientOptions): ServiceClient {
  const { name, settings, log } = options
  const root = new URL(options.url)
  // A probe that is called off has proven nothing; in a closed breaker it counts neither way.
  const faults = handleWhen(() => breaker.state === CircuitState.HalfOpen).orWhenResult(isFailure)
  const breaker = circuitBreaker(faults, {
    halfOpenAfter: settings.BREAKER_OPEN_MS,
    breaker: new ConsecutiveBreaker(settings.BREAKER_FAILURES)
  })
  const state = () => breakerStates[breaker.state]
  breaker.onStateChange(() => {
    const level = state() === 'open' ? 'error' : 'info' // open: what needs the callee waits
    log[level]({ callee: name, state: state() }, 'service_breaker_changed')
  })

  return {
    breaker: state,
    async call(operation, request, context) {
      context.signal?.throwIfAborted()
      // Every request is an object: the schema of a body or of a query.
      const sent = buildRequest(root, operation, request as Readonly<Record<string, unknown>>)
      // Cockatiel lets others wait for the probe; two calls' time is longer than a push may take.
      if (breaker.state === CircuitState.HalfOpen) return breakerOpen
      try {
        return await breaker.execute(() => callWithRetries(options, { operation, sent, context }))
      } catch (error) {
        if (isBrokenCircuitError(error)) return breakerOpen
        throw error
      }
    }
  }
}

const breakerOpen: CallFailure = {
  ok: false,
  reason: 'breaker_open',
  status: null,
  detail: 'it failed so often that it is left alone for a while',
  attempts: 0
}

/** A callee that refuses is alive. */
function isFailure(result: unknown): boolean {
  const given = result as CallResult<Operation> // the breaker executes nothing else
  return !given.ok && given.reason !== 'refused'
}

type Call<Op> = { operation: Op; sent: CallRequest; context: CallContext }

async function callWithRetries<Op extends Operation>(
  options: ServiceClientOptions,
  { operation, sent, context }: Call<Op>
): Promise<CallResult<Op>> {
  const { name: callee, settings, log } = options
  const { correlation_id, signal } = context
  const deadline = performance.now() + settings.CALL_BUDGET_MS
  let attempts = 0

  async function tryOnce(): Promise<AnswerOf<Op>> {
    attempts += 1
    const ms = Math.max(0, Math.min(settings.CALL_TIMEOUT_MS, deadline - performance.now()))
    return within({ ms, signal }, async signal => {
      const headers = await headersFor(options, context)
      return exchange(operation, sent, { headers, signal })
    })
  }

  /** Waits what the callee asks beyond the back-off; throws where another attempt has no sense or no time. */
  async function beforeNext({ error, retriesLeft, retryDelay }: RetryContext): Promise<void> {
    if (!(error instanceof AttemptFault)) throw error
    const { reason, status, message: detail, retryAfterMs } = error
    const delay = Math.max(retryDelay, retryAfterMs)
    const goesOn = reason !== 'refused' && retriesLeft > 0 && performance.now() + delay < deadline
    const fields = { callee, operation: operation.id, attempt: attempts, reason, status, detail, correlation_id }
    log.warn({ ...fields, delay_ms: goesOn ? delay : null }, 'service_call_failed')
    if (!goesOn) throw error
    await sleep(delay - retryDelay, undefined, { signal })
  }

  try {
    const answer = await pRetry(tryOnce, {
      retries: settings.CALL_ATTEMPTS - 1,
      minTimeout: settings.CALL_BACKOFF_MIN_MS,
      maxTimeout: settings.CALL_BACKOFF_MAX_MS,
      randomize: true,
      signal,
      onFailedAttempt: beforeNext
    })
    return { ok: true, answer, attempts }
  } catch (error) {
    signal?.throwIfAborted()
    if (!(error instanceof AttemptFault)) throw error
    const { reason, status, message: detail } = error
    return { ok: false, reason, status, detail, attempts }
  }
}

async function headersFor(
  { url, idToken }: ServiceClientOptions,
  { correlation_id, traceparent }: CallContext
): Promise<Record<string, string>> {
  const token = await idToken(new URL(url).origin).catch(error => {
    throw new AttemptFault('unreachable', `no ID token: ${describeError(error)}`)
  })
  return {
    accept: 'application/json',
    'content-type': 'application/json',
    'x-correlation-id': headerValue(correlation_id),
    traceparent: childTraceparent(traceparent),
    ...(token !== undefined && { authorization: `Bearer ${token}` })
  }
}

/** A message may bring any text as its id; one that a header can't carry goes percent-encoded, or every call about it would fail. */
const headerValue = (id: string): string => (/^[\x21-\x7e]+$/.test(id) ? id : encodeURIComponent(id))

/** Ends work after a time with an AttemptFault, and with the signal's reason when that comes first. */
async function within<Result>(
  { ms, signal }: { ms: number; signal: AbortSignal | undefined },
  work: (signal: AbortSignal) => Promise<Result>
): Promise<Result> {
  // Not AbortSignal.any and timeout: composed signals live as long as the process' own.
  const controller = new AbortController()
  const ended = Promise.withResolvers<never>()
  const end = (reason: unknown) => {
    controller.abort(reason)
    ended.reject(reason)
  }
  const abort = () => end(signal?.reason)
  const timer = setTimeout(() => end(new AttemptFault('timeout', `no answer within ${Math.round(ms)} ms`)), ms)
  signal?.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work(controller.signal), ended.promise])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
    controller.abort() // lets go of an answer that wasn't read to its end
  }
}
