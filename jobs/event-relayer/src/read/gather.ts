import type { BlockId, Header, LogFilter, Range, RawLog } from '../chain.ts'
import { parseBloom } from '../proof/bloom.ts'
import { WrongAnswer } from '../providers/pool.ts'
import { createWatchSet, type WatchSet } from '../watch.ts'
import { askLogs, narrowing } from './ask-logs.ts'
import { type Births, birthsIn, factoriesOf, isRelayed } from './births.ts'
import { mapBounded } from './bounded.ts'
import { ChainMoved } from './chain-moved.ts'
import { orderedLogs, strayLog } from './order.ts'
import type { Reader } from './reader.ts'

/** What one provider gives for a range; its logs are in chain order, each once, of relayed addresses alone. */
export type Gathered = { headers: Header[]; logs: RawLog[]; births: Births }

export type Wanted = {
  range: Range
  /** The block before the range, to which its first block must link. */
  parent: BlockId
  watch: WatchSet
  /** Blocks from here on are asked for by hash, those below in ranges of numbers. */
  pinFrom: number
  maxAddresses: number
}

const PINNED_AT_ONCE = 20

/** Headers, then logs of what is watched, then logs of what was deployed in the range. Throws ChainMoved after a reorganisation. */
export async function gather(reader: Reader, wanted: Wanted): Promise<Gathered> {
  const { range, parent, watch, pinFrom, maxAddresses } = wanted
  const headers = await reader.headers(range)
  if (headers[0]?.parent_hash !== parent.hash) throw new ChainMoved(parent)
  const filter = watch.filter(maxAddresses)
  const known = orderedLogs(await logsOf(reader, { headers, pinFrom, filter, mayHold: watch.mayHold }))
  const births = birthsIn(known, watch)
  const isOurs = isRelayed(watch, births)
  const ours = (logs: readonly RawLog[]) => logs.filter(log => isOurs(log.address, log.block_number))
  // A query by topics has answered for the children already.
  if ('topics' in filter || births.size === 0) return { headers, logs: ours(known), births }

  const children = createWatchSet({ factories: [], escrows: factoriesOf(births) })
  const [first] = births.values()
  const theirs = await logsOf(reader, {
    headers: headers.filter(({ number }) => number >= (first?.from ?? 0)),
    pinFrom,
    filter: children.filter(maxAddresses),
    mayHold: children.mayHold
  })
  return { headers, logs: orderedLogs(ours([...known, ...theirs])), births }
}

type Asked = {
  headers: readonly Header[]
  pinFrom: number
  filter: LogFilter
  mayHold: (bloom: Uint8Array) => boolean
}

async function logsOf(reader: Reader, { headers, pinFrom, filter, mayHold }: Asked): Promise<RawLog[]> {
  const below = headers.filter(({ number }) => number < pinFrom)
  const pinned = headers.filter(({ number }) => number >= pinFrom)
  const mayAnswer = ({ logs_bloom }: Header) => reader.format === 'unknown' || mayHold(parseBloom(logs_bloom))
  const low = await byNumber(reader, { headers: below, filter })
  const high = await mapBounded(pinned.filter(mayAnswer), PINNED_AT_ONCE, header => byHash(reader, { header, filter }))
  return [low, ...high].flat()
}

async function byNumber(
  reader: Reader,
  { headers, filter }: { headers: readonly Header[]; filter: LogFilter }
): Promise<RawLog[]> {
  const [first, last] = [headers[0], headers.at(-1)]
  if (!first || !last) return []
  const logs = await askLogs(reader, { range: { from: first.number, to: last.number }, filter })
  const stray = strayLog(logs, headers)
  if (stray) throw await strayFault(reader, { stray, headers })
  return logs
}

/** A log of another block at the same height is an honest answer if that block has taken its place meanwhile. */
async function strayFault(
  reader: Reader,
  { stray, headers }: { stray: RawLog; headers: readonly Header[] }
): Promise<Error> {
  const { block_number, block_hash } = stray
  const header = headers.find(({ number }) => number === block_number)
  if (header && (await reader.header(block_number)).hash !== header.hash) return new ChainMoved(header)
  const message = `provider ${reader.id} gave a log of block ${block_number} ${block_hash}, which isn't among the blocks that it gave`
  return new WrongAnswer(message, 'wrong_block')
}

const byHash = (reader: Reader, { header, filter }: { header: Header; filter: LogFilter }): Promise<RawLog[]> =>
  narrowing(reader, {
    question: { range: { from: header.number, to: header.number }, filter },
    ask: question => reader.logsOf(header, question.filter)
  })
