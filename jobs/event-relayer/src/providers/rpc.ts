import type { Range } from '../chain.ts'
import { classify } from './classify.ts'
import { RpcFault } from './fault.ts'
import { errorIn, isRecord, itemsById, parseJson, type RpcError } from './json-rpc.ts'
import { createPost, type HttpAnswer } from './post.ts'
import { redactor } from './provider-url.ts'
import { type Call, createQueue } from './queue.ts'

export { type Advice, RpcFault, type SuggestedRange } from './fault.ts'

/** One JSON-RPC call to one provider. Throws an `RpcFault` for everything that isn't an answer; when aborted, the signal's reason. */
export type Rpc = (method: string, params: readonly unknown[], options?: RpcOptions) => Promise<unknown>

export type RpcOptions = {
  signal?: AbortSignal
  /** Told the bytes that came for this call; of several in one request, its share. */
  received?: (bytes: number) => void
}

/** Requests of one provider under way at once: at most this many bodies are in memory. */
const MAX_SOCKETS = 8

/** Calls a provider over HTTP; calls of the same turn share a request as far as the provider takes that. Throws for a URL that isn't one. */
export function connectRpc({ url, timeoutMs, maxBytes }: { url: string; timeoutMs: number; maxBytes: number }): Rpc {
  const post = createPost({ url, timeoutMs, maxBytes, maxSockets: MAX_SOCKETS })
  const { host } = new URL(url)
  const redact = redactor(url)
  const queue = createQueue()
  let underWay = 0
  let scheduled = false
  let lastId = 0

  /** Later in this turn, so that the calls of one turn come together. */
  function schedule(): void {
    if (scheduled) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      sendWaiting()
    })
  }

  function sendWaiting(): void {
    while (underWay < MAX_SOCKETS) {
      const taken = queue.take()
      if (taken.length === 0) return
      const calls = taken.filter(({ signal }) => !signal?.aborted)
      if (calls.length === 0) continue
      underWay++
      void send(calls).finally(() => {
        underWay--
        sendWaiting()
      })
    }
  }

  async function send(calls: readonly Call[]): Promise<void> {
    const abandoned = whenAllAborted(calls)
    const byId = new Map(calls.map(call => [++lastId, call]))
    const requests = [...byId].map(([id, { method, params }]) => ({ jsonrpc: '2.0', id, method, params }))
    try {
      const answer = await post(JSON.stringify(calls.length === 1 ? requests[0] : requests), abandoned.signal)
      for (const call of calls) call.received(answer.bytes / calls.length)
      settle(byId, answer)
    } catch (error) {
      const tooLarge = error instanceof RpcFault && error.advice.kind === 'split'
      if (tooLarge && calls.length > 1) again(calls, { size: calls.length, message: '' })
      else for (const call of calls) call.reject(readable(error))
    } finally {
      abandoned.forget()
    }
  }

  /** Answers are matched by id, for their order may be any; what has no answer of its own gets the fault of the whole. */
  function settle(calls: ReadonlyMap<number, Call>, answer: HttpAnswer): void {
    const parsed = parseJson(answer.body)
    const items = itemsById(parsed)
    const unanswered: Call[] = []
    const refused: Call[] = []
    for (const [id, call] of calls) {
      const item = items.get(id)
      if (!item) unanswered.push(call)
      else if (calls.size > 1 && isBatchRefusal(errorIn(item))) refused.push(call)
      else conclude(call, item, answer)
    }
    const whole = errorIn(parsed)
    const isWhole = unanswered.length === calls.size
    if (calls.size > 1 && isWhole && isBatchRefused(answer, whole)) refused.push(...unanswered)
    // The errors of its neighbours say nothing about a call that was left out.
    else for (const call of unanswered) call.reject(fault(call, isWhole ? answer : { ...answer, body: '' }))
    if (refused.length > 0) again(refused, { size: calls.size, message: whole?.message ?? '' })
  }

  function conclude(call: Call, item: Record<string, unknown>, answer: HttpAnswer): void {
    if (errorIn(item)) call.reject(fault(call, { ...answer, body: JSON.stringify(item) }))
    else if ('result' in item && isSuccess(answer)) call.resolve(item.result)
    else call.reject(fault(call, answer))
  }

  function again(calls: readonly Call[], { size, message }: { size: number; message: string }): void {
    queue.shrink(size, message)
    queue.add(calls)
  }

  /** Whatever an answer does to whoever reads it, such as nesting too deep to be shown, is the provider's fault. */
  function readable(error: unknown): RpcFault {
    if (error instanceof RpcFault) return error
    // Nobody waits for a call that was aborted, so what it is rejected with doesn't matter.
    return new RpcFault(`${host} gave an answer that can't be read: ${error}`, { kind: 'retry' }, { cause: error })
  }

  function fault({ method, params }: Call, { status, headers, body }: HttpAnswer): RpcFault {
    const advice = classify({ status, headers, body }, { asked: rangeOf(method, params), now: Date.now() })
    const error = errorIn(parseJson(body))
    const said = error ? `code ${error.code}, "${redact(error.message)}"` : `no answer to the call, "${redact(body)}"`
    return new RpcFault(`${host} refused ${method}: HTTP ${status}, ${said}`, advice)
  }

  return async (method, params, { signal, received = () => undefined } = {}) => {
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const abort = () => reject(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    queue.add([{ method, params, resolve, reject, received, signal }])
    schedule()
    try {
      return await promise
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }
}

const isSuccess = ({ status }: HttpAnswer): boolean => status >= 200 && status < 300

const isBatchRefusal = (error: RpcError | undefined): boolean => /\bbatch/i.test(error?.message ?? '')

/** Whether a batch without a single answer was refused for being one, or so large; a limit of rate, a fault of the server or a wrong key isn't that. */
function isBatchRefused({ status, body, headers }: HttpAnswer, error: RpcError | undefined): boolean {
  if ([401, 402, 403, 429].includes(status)) return false
  if (isBatchRefusal(error)) return true
  const { kind } = classify({ status, headers, body }, { now: 0 })
  return kind === 'split' || kind === 'give_up'
}

/** The blocks that an `eth_getLogs` asks by number. */
function rangeOf(method: string, [filter]: readonly unknown[]): Range | undefined {
  if (method !== 'eth_getLogs' || !isRecord(filter)) return undefined
  const range = { from: Number(filter.fromBlock), to: Number(filter.toBlock) }
  return Number.isSafeInteger(range.from) && Number.isSafeInteger(range.to) ? range : undefined
}

/** A signal for the request that several calls share: aborted when no caller waits any more. */
function whenAllAborted(calls: readonly Call[]): { signal: AbortSignal; forget(): void } {
  const all = new AbortController()
  const check = () => {
    if (calls.every(({ signal }) => signal?.aborted)) all.abort()
  }
  for (const { signal } of calls) signal?.addEventListener('abort', check, { once: true })
  return {
    signal: all.signal,
    forget: () => {
      for (const { signal } of calls) signal?.removeEventListener('abort', check)
    }
  }
}
