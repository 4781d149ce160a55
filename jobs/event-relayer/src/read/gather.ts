import type { BlockId, Header, LogFilter, Range, RawLog } from '../chain.ts'
import { parseBloom } from '../proof/bloom.ts'
import { WrongAnswer } from '../providers/pool.ts'
import { createWatchSet, type WatchSet } from '../watch.ts'
import { askLogs, askLogsOf } from './ask-logs.ts'
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
  const [start] = headers
  if (start?.parent_hash !== parent.hash) throw await unlinkedFault(reader, { parent, start })
  const filter = watch.filter(maxAddresses)
  const asked = { headers, pinFrom, filter, mayHold: watch.mayHold }
  const known = orderedLogs(await logsOf(reader, asked))
  const births = birthsIn(known, watch)
  const isOurs = isRelayed(watch, births)
  const ours = (logs: readonly RawLog[]) => logs.filter(log => isOurs(log.address, log.block_number))
  if (births.size === 0) return { headers, logs: ours(known), births }

  const children = createWatchSet({ factories: [], escrows: factoriesOf(births) })
  const [first] = births.values()
  // A query by topics has answered for the children already, in the blocks of which it was asked.
  const isAnswered = 'topics' in filter ? isAsked(reader, asked) : () => false
  const theirs = await logsOf(reader, {
    headers: headers.filter(header => header.number >= (first?.from ?? 0) && !isAnswered(header)),
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

async function logsOf(reader: Reader, asked: Asked): Promise<RawLog[]> {
  const { headers, pinFrom, filter } = asked
  const below = headers.filter(({ number }) => number < pinFrom)
  const pinned = headers.filter(header => header.number >= pinFrom && isAsked(reader, asked)(header))
  const low = await byNumber(reader, { headers: below, filter })
  const high = await mapBounded(pinned, PINNED_AT_ONCE, block => askLogsOf(reader, { block, filter }))
  return [low, ...high].flat()
}

/** Whether a block's logs are asked for: not where it is asked for by itself, and its bloom excludes them. */
const isAsked =
  ({ format }: Reader, { pinFrom, mayHold }: Pick<Asked, 'pinFrom' | 'mayHold'>) =>
  ({ number, logs_bloom }: Header): boolean =>
    number < pinFrom || format === 'unknown' || mayHold(parseBloom(logs_bloom))

/** A first block on another parent is honest if the chain was reorganised; a provider that says both blocks again contradicts itself. */
async function unlinkedFault(
  reader: Reader,
  { parent, start }: { parent: BlockId; start: Header | undefined }
): Promise<Error> {
  const blocks = [parent, start].flatMap(block => (block && block.number >= 0 ? [block] : [])) // none is before block 0
  const again = await Promise.all(blocks.map(({ number }) => reader.header(number)))
  if (!start || again.some(({ hash }, index) => hash !== blocks[index]?.hash)) return new ChainMoved(parent)
  const message = `provider ${reader.id} gave block ${start.number} with the parent ${start.parent_hash}, but block ${parent.number} as ${parent.hash}`
  return new WrongAnswer(message, 'unlinked')
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
