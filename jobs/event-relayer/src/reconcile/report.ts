import { type Finding, type ServiceName, type Settled, serviceNames } from './finding.ts'
import type { Row, Witness } from './reconcile.ts'

/** Findings that are told one by one; all of them are counted. */
const LIMIT = 1_000

export type Outcome = {
  result: 'equal' | 'repaired' | 'wrong'
  from: number
  to: number
  facts: number
  manifests: number
}

/** How many findings there are of each kind, and how many stayed. */
type Tally = { kinds: Partial<Record<Finding['kind'], number>>; wrong: number }

export type Report = Witness & { end(range: { from: number; to: number }): Outcome }

/** As text: a table of ranges, those in a row that are right as one, then each finding. As JSON: one object a line. */
export function createReport({ format, write }: { format: 'text' | 'json'; write(text: string): void }): Report {
  const lines: string[][] = [head]
  let right: Row | undefined
  const checks = new Map<ServiceName, { escrows: number; tally: Tally }>()
  const findings: Settled[] = []
  const totals = { facts: 0, manifests: 0, findings: 0, wrong: 0 }
  const json = (value: object) => {
    if (format === 'json') write(`${JSON.stringify(value)}\n`)
  }

  function note(found: readonly Settled[]): void {
    for (const finding of found) {
      totals.findings += 1
      if (finding.outcome === 'wrong') totals.wrong += 1
      if (totals.findings > LIMIT) continue
      if (format === 'text') findings.push(finding)
      json({ finding })
    }
  }

  function keep(row: Row): void {
    if (row.found.length > 0) {
      flush()
      lines.push(rowOf(row))
    } else if (right) {
      right = { ...right, to: row.to, facts: right.facts + row.facts, manifests: right.manifests + row.manifests }
    } else right = row
  }

  function flush(): void {
    if (right) lines.push(rowOf(right))
    right = undefined
  }

  return {
    row(row) {
      totals.facts += row.facts
      totals.manifests += row.manifests
      keep(row)
      const { found, ...range } = row
      json({ range: { ...range, findings: found.length, verdict: verdictOf(tallyOf(found)) } })
      note(found)
    },
    checked(checked) {
      const { found, ...of } = checked
      const { escrows, tally } = checks.get(of.service) ?? { escrows: 0, tally: tallyOf([]) }
      checks.set(of.service, { escrows: escrows + of.escrows, tally: tallyOf(found, tally) })
      json({ checked: { ...of, findings: found.length, verdict: verdictOf(tallyOf(found)) } })
      note(found)
    },
    end({ from, to }) {
      const result = totals.wrong > 0 ? 'wrong' : repairedOr(totals.findings)
      const { facts, manifests } = totals
      const untold = Math.max(0, totals.findings - LIMIT)
      json({ result, from, to, ...totals, untold })
      if (format === 'text') {
        flush()
        write(tableOf([...lines, derivedOf(checks)]))
        for (const finding of findings) write(textOf(finding))
        if (untold > 0) write(`${untold} more findings: reconcile smaller ranges to see them\n`)
        const found = `${totals.findings} findings, ${totals.wrong} of them still wrong`
        write(`${result}: blocks ${from} to ${to}, ${facts} facts, ${manifests} manifests, ${found}\n`)
      }
      return { result, from, to, facts, manifests }
    }
  }
}

const repairedOr = (findings: number) => (findings > 0 ? 'repaired' : 'equal')

const head = ['blocks', 'chain', 'manifests', ...serviceNames, 'verdict']

const rowOf = ({ from, to, facts, manifests, found }: Row): string[] => {
  const of = (service: string) =>
    cellOf(tallyOf(found.filter(one => one.what !== 'manifest' && one.service === service)))
  const stated = found.filter(({ what }) => what === 'manifest')
  return [
    `${from}-${to}`,
    `${facts} facts`,
    stated.length > 0 ? cellOf(tallyOf(stated)) : `${manifests} ok`,
    ...serviceNames.map(of),
    verdictOf(tallyOf(found))
  ]
}

function derivedOf(checks: ReadonlyMap<ServiceName, { escrows: number; tally: Tally }>): string[] {
  const cells = serviceNames.map(name => {
    const check = checks.get(name)
    if (!check) return '-'
    return hasAny(check.tally) ? cellOf(check.tally) : `${check.escrows} escrows ok`
  })
  const verdicts = [...checks.values()].map(({ tally }) => verdictOf(tally))
  const worst = (['wrong', 'repaired'] as const).find(verdict => verdicts.includes(verdict))
  return ['their rows', '-', '-', ...cells, worst ?? 'ok']
}

function tallyOf(found: readonly Settled[], before: Tally = { kinds: {}, wrong: 0 }): Tally {
  const kinds = { ...before.kinds }
  for (const { kind } of found) kinds[kind] = (kinds[kind] ?? 0) + 1
  return { kinds, wrong: before.wrong + found.filter(({ outcome }) => outcome === 'wrong').length }
}

const hasAny = ({ kinds }: Tally): boolean => Object.keys(kinds).length > 0

const cellOf = (tally: Tally): string =>
  hasAny(tally)
    ? Object.entries(tally.kinds)
        .map(([kind, count]) => `${count} ${kind}`)
        .join(', ')
    : 'ok'

function verdictOf(tally: Tally): 'ok' | 'repaired' | 'wrong' {
  if (tally.wrong > 0) return 'wrong'
  return hasAny(tally) ? 'repaired' : 'ok'
}

function textOf({ outcome, service, kind, what, block_number, fact_id, escrow_address, detail }: Settled): string {
  const place = [
    block_number === null ? '' : ` block=${block_number}`,
    fact_id === null ? '' : ` fact_id=${fact_id}`,
    escrow_address === null ? '' : ` escrow=${escrow_address}`
  ]
  return `${outcome} ${service ?? 'nobody'}: ${kind} ${what}${place.join('')}: ${detail}\n`
}

function tableOf(lines: readonly string[][]): string {
  const widths = head.map((_, column) => Math.max(...lines.map(line => line[column]?.length ?? 0)))
  const pad = (cell: string, column: number) => cell.padEnd(widths[column] ?? 0)
  return lines.map(line => `${line.map(pad).join('  ').trimEnd()}\n`).join('')
}
