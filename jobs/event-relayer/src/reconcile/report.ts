import { type Settled, serviceNames } from './finding.ts'
import type { Checked, Row, Witness } from './reconcile.ts'

/** Findings that are told one by one; all of them are counted. */
const LIMIT = 1_000

export type Outcome = {
  result: 'equal' | 'repaired' | 'wrong'
  from: number
  to: number
  facts: number
  manifests: number
}

export type Report = Witness & { end(range: { from: number; to: number }): Outcome }

/** As text: a table of ranges, those in a row that are right as one, then each finding. As JSON: one object a line. */
export function createReport({ format, write }: { format: 'text' | 'json'; write(text: string): void }): Report {
  const rows: Row[] = []
  const checks: Checked[] = []
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
      findings.push(finding)
      json({ finding })
    }
  }

  function keep(row: Row): void {
    const last = rows.at(-1)
    if (!last || last.found.length + row.found.length > 0) rows.push(row)
    else
      rows[rows.length - 1] = {
        ...last,
        to: row.to,
        facts: last.facts + row.facts,
        manifests: last.manifests + row.manifests
      }
  }

  return {
    row(row) {
      totals.facts += row.facts
      totals.manifests += row.manifests
      keep(row)
      const { found, ...range } = row
      json({ range: { ...range, findings: found.length, verdict: verdictOf(found) } })
      note(found)
    },
    checked(checked) {
      checks.push(checked)
      const { found, ...of } = checked
      json({ checked: { ...of, findings: found.length, verdict: verdictOf(found) } })
      note(found)
    },
    end({ from, to }) {
      const result = totals.wrong > 0 ? 'wrong' : repairedOr(totals.findings)
      const { facts, manifests } = totals
      const untold = Math.max(0, totals.findings - LIMIT)
      json({ result, from, to, ...totals, untold })
      if (format === 'text') {
        write(tableOf([head, ...rows.map(rowOf), derivedOf(checks)]))
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
  const of = (service: string) => cellOf(found.filter(one => one.what !== 'manifest' && one.service === service))
  const stated = found.filter(({ what }) => what === 'manifest')
  return [
    `${from}-${to}`,
    `${facts} facts`,
    stated.length > 0 ? cellOf(stated) : `${manifests} ok`,
    ...serviceNames.map(of),
    verdictOf(found)
  ]
}

function derivedOf(checks: readonly Checked[]): string[] {
  const cells = serviceNames.map(name => {
    const check = checks.find(({ service }) => service === name)
    if (!check) return '-'
    return check.found.length > 0 ? cellOf(check.found) : `${check.escrows} escrows ok`
  })
  return ['their rows', '-', '-', ...cells, verdictOf(checks.flatMap(({ found }) => found))]
}

function cellOf(found: readonly Settled[]): string {
  if (found.length === 0) return 'ok'
  const byKind = Object.entries(Object.groupBy(found, ({ kind }) => kind))
  return byKind.map(([kind, some]) => `${some.length} ${kind}`).join(', ')
}

function verdictOf(found: readonly Settled[]): 'ok' | 'repaired' | 'wrong' {
  if (found.some(({ outcome }) => outcome === 'wrong')) return 'wrong'
  return found.length > 0 ? 'repaired' : 'ok'
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
