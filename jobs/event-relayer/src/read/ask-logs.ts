import type { BlockId, LogFilter, Range, RawLog } from '../chain.ts'
import { type Advice, RpcFault } from '../providers/rpc.ts'
import { mapBounded } from './bounded.ts'
import type { Reader } from './reader.ts'
import { blocksIn, filtersOf, narrower, piecesOf, type Question } from './split.ts'

/** Questions to one provider under way at once. */
const QUESTIONS_AT_ONCE = 4

/** The logs of a range by number, in as many calls as the provider's limits take; what it teaches about them is learned. */
export const askLogs = (reader: Reader, { range, filter }: Question): Promise<RawLog[]> =>
  askAll(reader, {
    ranges: piecesOf(range, reader.limits.max_blocks),
    filter,
    ask: question => reader.logs(question.range, question.filter)
  })

/** The same of one block, by its hash. */
export const askLogsOf = (
  reader: Reader,
  { block, filter }: { block: BlockId; filter: LogFilter }
): Promise<RawLog[]> =>
  askAll(reader, {
    ranges: [{ from: block.number, to: block.number }],
    filter,
    ask: question => reader.logsOf(block, question.filter)
  })

type Ask = (question: Question) => Promise<RawLog[]>

async function askAll(
  reader: Reader,
  { ranges, filter, ask }: { ranges: readonly Range[]; filter: LogFilter; ask: Ask }
): Promise<RawLog[]> {
  const { max_addresses = Number.POSITIVE_INFINITY } = reader.limits
  const questions = filtersOf(filter, max_addresses).flatMap(filter => ranges.map(range => ({ range, filter })))
  const growing: Ask = async question => {
    const logs = await ask(question)
    reader.limits.grow(sizeOf(question))
    return logs
  }
  const answers = await mapBounded(questions, QUESTIONS_AT_ONCE, question =>
    narrowing(reader, { question, ask: growing })
  )
  return answers.flat()
}

const sizeOf = ({ range, filter }: Question) => ({
  blocks: blocksIn(range),
  addresses: 'addresses' in filter ? filter.addresses.length : 0
})

type Asking = { question: Question; ask: Ask; timedOut?: boolean }

/** Asks, and where the provider wants less asks narrower questions, one after the other. */
async function narrowing(reader: Reader, { question, ask, timedOut = false }: Asking): Promise<RawLog[]> {
  try {
    return await ask(question)
  } catch (error) {
    // A provider that hangs is left after two timeouts, not halved down to one block.
    const timeout = isTimeout(error) && !timedOut && blocksIn(question.range) > 1
    const advice = timeout ? quarter(question) : splitOf(error)
    if (!advice) throw error
    const parts = narrower(question, advice)
    if (!parts) throw tooNarrow(reader.id, { question, cause: error })
    learn(reader, { question, parts })
    const logs: RawLog[][] = []
    for (const part of parts) logs.push(await narrowing(reader, { question: part, ask, timedOut: timeout || timedOut }))
    return logs.flat()
  }
}

type Split = Extract<Advice, { kind: 'split' }>

const splitOf = (error: unknown): Split | undefined =>
  error instanceof RpcFault && error.advice.kind === 'split' ? error.advice : undefined

const quarter = ({ range }: Question): Split => ({
  kind: 'split',
  suggested: { max_blocks: Math.ceil(blocksIn(range) / 4) }
})

const isTimeout = (error: unknown): boolean =>
  error instanceof RpcFault &&
  error.advice.kind === 'retry' &&
  (/time(d |-)?out/i.test(error.message) || (error.cause instanceof Error && error.cause.name === 'TimeoutError'))

function learn({ limits }: Reader, { question, parts }: { question: Question; parts: readonly Question[] }): void {
  const [part] = parts
  if (!part) return
  if (blocksIn(part.range) < blocksIn(question.range)) limits.learn({ max_blocks: blocksIn(part.range) })
  else if ('addresses' in part.filter) limits.learn({ max_addresses: part.filter.addresses.length })
}

function tooNarrow(id: string, { question: { range, filter }, cause }: { question: Question; cause: unknown }) {
  const what = 'addresses' in filter ? `address ${filter.addresses}` : `topic ${filter.topics}`
  const said = cause instanceof Error ? cause.message : cause
  const message = `provider ${id} refuses the logs of block ${range.from} for the one ${what}: nothing is left to narrow (${said}); use another provider, or raise MAX_BATCH_BYTES if the answer is too large`
  return new RpcFault(message, { kind: 'give_up' }, { cause })
}
