/** One call that waits for its answer. */
export type Call = {
  method: string
  params: readonly unknown[]
  resolve(result: unknown): void
  reject(fault: unknown): void
  /** Told this call's share of the bytes that came. */
  received(bytes: number): void
  /** Aborted when its caller gave up waiting. */
  signal: AbortSignal | undefined
}

/** Answers may be megabytes: such calls gain nothing from a common request, and would cost memory and hold up the others. */
const ALONE = new Set(['eth_getLogs', 'eth_getBlockReceipts'])
/** Calls in a request; below the limits of most providers. */
const MOST_CALLS = 100

/** Calls that wait to be sent. */
export type Queue = {
  add(calls: readonly Call[]): void
  /** The calls of the next request; empty when nothing waits. */
  take(): Call[]
  /** The provider refused a batch of this size: later ones hold fewer, down to single calls. */
  shrink(size: number, message: string): void
}

export function createQueue(): Queue {
  const together: Call[] = []
  const alone: Call[] = []
  let most = MOST_CALLS
  return {
    add(calls) {
      for (const call of calls) (ALONE.has(call.method) ? alone : together).push(call)
    },
    take: () => (together.length > 0 ? together.splice(0, most) : alone.splice(0, 1)),
    shrink(size, message) {
      most = Math.max(1, Math.min(most, takenBatch(message) ?? size, Math.floor(size / 2)))
    }
  }
}

/** "Batch of more than 3 requests", "batch size is limited to 10", "batch requests are not supported". */
function takenBatch(message: string): number | undefined {
  const named = /batch\D{0,60}?\b(?:than|limit\w*|max\w*|up to|exceeds?|over)\D{0,20}(\d+)/i.exec(message)
  if (named) return Number(named[1])
  return /batch.*(not (supported|allowed|available|enabled)|unsupported|disabled)/i.test(message) ? 1 : undefined
}
