import type { Range } from '../chain.ts'
import type { SuggestedRange } from './fault.ts'

/** A number of blocks with its context: "up to a 2K block range", "(maximum 1024)", "greater than 1000 max". Numbers of results, bytes or seconds aren't meant. */
const COUNT = String.raw`(\d[\d,]*)\s*(k|m)?\b(?!\s*(?:results?|logs?|entries|events|records|bytes|[kmg]b|ms|s\b|seconds?))`
const AFTER_LIMIT = new RegExp(
  String.raw`\b(?:max(?:imum)?|limit(?:ed)?|up to|at most|over|than|exceeds?|distance|allowed|range is)\b[^\d]{0,40}?${COUNT}`,
  'gi'
)
const UNITS = { '': 1, k: 1_000, m: 1_000_000 }

/** The range that a refusal says would work. One that is inverted, outside of what was asked, or no smaller helps nobody: undefined. */
export function suggestedRange(message: string, asked: Range | undefined): SuggestedRange | undefined {
  const explicit = /\[\s*(0x[0-9a-f]+|\d+)\s*,\s*(0x[0-9a-f]+|\d+)\s*\]/i.exec(message)
  if (explicit) {
    const range = { from: Number(explicit[1]), to: Number(explicit[2]) }
    if (isNarrower(range, asked)) return range
  }
  if (!/\b(range|ranges|blocks?|distance|size)\b/i.test(message)) return undefined
  const counts = [...message.matchAll(AFTER_LIMIT)].map(([, digits = '', unit = '']) => count(digits, unit))
  const max_blocks = Math.min(...counts.filter(value => value > 0))
  const tooMany = asked ? max_blocks > asked.to - asked.from : max_blocks === Number.POSITIVE_INFINITY
  return tooMany ? undefined : { max_blocks }
}

function isNarrower({ from, to }: Range, asked: Range | undefined): boolean {
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from > to) return false
  return asked === undefined || (from >= asked.from && to <= asked.to && to - from < asked.to - asked.from)
}

const count = (digits: string, unit: string): number =>
  Number(digits.replaceAll(',', '')) * (UNITS[unit.toLowerCase() as keyof typeof UNITS] ?? 1) // the pattern has no other unit
