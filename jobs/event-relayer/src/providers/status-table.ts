import type { ProviderStatus } from './member.ts'

const COLUMNS: readonly (readonly [title: string, cell: (status: ProviderStatus) => string])[] = [
  ['provider', ({ id }) => id],
  ['state', stateOf],
  ['score', ({ score }) => score.toFixed(2)],
  ['success', ({ success_rate }) => `${(success_rate * 100).toFixed(0)} %`],
  ['latency', ({ latency_ms }) => (latency_ms === null ? '-' : `${latency_ms} ms`)],
  ['head', ({ head }) => (head === null ? '-' : String(head))],
  ['lag', ({ head_lag }) => String(head_lag)],
  ['wrong', ({ wrong_answers }) => listed(wrong_answers)],
  ['calls', ({ methods }) => String(sum(methods, ({ calls }) => calls))],
  ['failed', ({ methods }) => String(sum(methods, ({ failures }) => failures))],
  ['bytes', ({ bytes }) => String(bytes)],
  ['cost', ({ cost }) => String(cost)],
  ['blocks', ({ limits }) => String(limits.max_blocks)]
]

/** The state of providers as a text table, for a terminal. */
export function statusTable(statuses: readonly ProviderStatus[]): string {
  const rows = [COLUMNS.map(([title]) => title), ...statuses.map(status => COLUMNS.map(([, cell]) => cell(status)))]
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  const lines = rows.map(row => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
  return `${lines.map(line => line.trimEnd()).join('\n')}\n`
}

function stateOf({ healthy, breaker, open_until, rate_limited_until }: ProviderStatus): string {
  if (rate_limited_until !== null) return `rate limited until ${rate_limited_until}`
  if (open_until !== null) return `down until ${open_until}`
  if (breaker === 'half_open') return 'to be probed'
  return healthy ? 'healthy' : 'busy'
}

function listed(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).map(([kind, count]) => `${kind} ${count}`)
  return parts.length > 0 ? parts.join(', ') : '-'
}

const sum = <Item>(items: Readonly<Record<string, Item>>, value: (item: Item) => number): number =>
  Object.values(items).reduce((total, item) => total + value(item), 0)
