import type { LogFilter, Range } from '../chain.ts'
import type { Advice, SuggestedRange } from '../providers/rpc.ts'

/** What one `eth_getLogs` call asks. */
export type Question = { range: Range; filter: LogFilter }

type Split = Extract<Advice, { kind: 'split' }>

/**
 * Narrower questions that together ask the same: fewer blocks, and where there is one block only, fewer addresses or topics.
 * Undefined when nothing is left to narrow.
 */
export function narrower({ range, filter }: Question, { suggested, shrink }: Split): Question[] | undefined {
  const byFilter = () => halves(filter)?.map(half => ({ range, filter: half }))
  const byRange = () =>
    blocksIn(range) > 1
      ? piecesOf(range, nextSize(range, suggested)).map(piece => ({ range: piece, filter }))
      : undefined
  return shrink === 'addresses' ? (byFilter() ?? byRange()) : (byRange() ?? byFilter())
}

export const blocksIn = ({ from, to }: Range): number => to - from + 1

/** The range in pieces of at most `size` blocks. */
export function piecesOf({ from, to }: Range, size: number): Range[] {
  const pieces: Range[] = []
  for (let start = from; start <= to; start += size) pieces.push({ from: start, to: Math.min(start + size - 1, to) })
  return pieces
}

/** Filters of at most `size` addresses each that together hold the same ones. Topics stay together. */
export function filtersOf(filter: LogFilter, size: number): LogFilter[] {
  if ('topics' in filter || filter.addresses.length <= size) return [filter]
  const parts: LogFilter[] = []
  for (let start = 0; start < filter.addresses.length; start += size)
    parts.push({ addresses: filter.addresses.slice(start, start + size) })
  return parts
}

/** Blocks per piece: what the provider suggests if that helps, else half. */
function nextSize(range: Range, suggested: SuggestedRange | undefined): number {
  const size = suggested && suggestedSize(range, suggested)
  return size !== undefined && size >= 1 && size < blocksIn(range) ? Math.floor(size) : Math.ceil(blocksIn(range) / 2)
}

/** Undefined for a suggestion that is outside of what was asked. */
function suggestedSize(range: Range, suggested: SuggestedRange): number | undefined {
  if ('max_blocks' in suggested) return suggested.max_blocks
  return suggested.from >= range.from && suggested.to <= range.to ? blocksIn(suggested) : undefined
}

function halves(filter: LogFilter): LogFilter[] | undefined {
  const byTopics = 'topics' in filter
  const all = byTopics ? filter.topics : filter.addresses
  if (all.length < 2) return undefined
  const middle = Math.ceil(all.length / 2)
  return [all.slice(0, middle), all.slice(middle)].map(half => (byTopics ? { topics: half } : { addresses: half }))
}
