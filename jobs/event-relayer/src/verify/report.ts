import type { Difference } from './difference.ts'
import type { Verified } from './verify.ts'

/** Differences that are told one by one; all of them are counted. */
const LIMIT = 1_000
/** Characters of a value that are told. */
const WIDTH = 300

export type Report = { found(difference: Difference): void; end(verified: Verified): void }

/** Writes a line per difference and one for the totals, as text or as JSON. */
export function createReport({ format, write }: { format: 'text' | 'json'; write(line: string): void }): Report {
  const kinds: Record<string, number> = {}
  let told = 0
  return {
    found(difference) {
      kinds[difference.kind] = (kinds[difference.kind] ?? 0) + 1
      if (++told > LIMIT) return
      write(format === 'json' ? `${JSON.stringify(difference)}\n` : textOf(difference))
    },
    end(verified) {
      const untold = Math.max(0, told - LIMIT)
      if (format === 'json') write(`${JSON.stringify({ result: resultOf(verified), ...verified, kinds, untold })}\n`)
      else write(summaryOf(verified, { kinds, untold }))
    }
  }
}

const resultOf = ({ differences }: Verified) => (differences === 0 ? 'equal' : 'differs')

function textOf({ kind, block_number, fact_id, stored, chain }: Difference): string {
  return `${kind} block=${block_number} fact_id=${fact_id ?? '-'} stored: ${cut(stored)} chain: ${cut(chain)}\n`
}

const cut = (text: string): string => (text.length > WIDTH ? `${text.slice(0, WIDTH)}…` : text)

function summaryOf(verified: Verified, { kinds, untold }: { kinds: Record<string, number>; untold: number }): string {
  const { from, to, facts, raw_logs, manifests, manifests_skipped, differences, read_through } = verified
  const through = Object.keys(read_through).join(', ')
  const skipped = manifests_skipped > 0 ? ` (${manifests_skipped} more reach beyond the range or may still change)` : ''
  const lines = [
    `${resultOf(verified)}: blocks ${from} to ${to}, ${raw_logs} logs, ${facts} facts, ${manifests} manifests${skipped}, read through ${through}`,
    ...(differences > 0 ? [`${differences} differences: ${counts(kinds)}`] : []),
    ...(untold > 0 ? [`${untold} of them were not told: verify smaller ranges to see them`] : [])
  ]
  return `${lines.join('\n')}\n`
}

const counts = (kinds: Record<string, number>): string =>
  Object.entries(kinds)
    .map(([kind, count]) => `${kind} ${count}`)
    .join(', ')
