import { BORROWER } from './demo/margin.ts'
import type { DemoResult } from './demo/run.ts'
import type { Track } from './demo/tracker.ts'
import type { StackFile } from './stack-file.ts'
import { formatTable } from './table.ts'

/** What the command shows while it runs: for people, or one JSON object a line. */
export type Screen = {
  progress(step: string): void
  ready(stack: StackFile): void
  stage(stage: 'mined' | 'relayed' | 'settled', track: Track): void
  /** Something that was decided, and why. */
  story(told: Story): void
  result(result: DemoResult): void
  /** Something that the user should know: a process died, or gave up. */
  notice(text: string): void
}

/** An escrow's address or a user; what happened; its reason or figures. */
export type Story = { subject: string; event: string; outcome: string; reason: string | null }

/** The same notice again within this time isn't shown. */
const NOTICE_MS = 2_000

type Write = (line: string) => void

export function createJsonScreen(write: Write): Screen {
  const line = (type: string, fields: object) => write(JSON.stringify({ type, ...fields }))
  return {
    progress: step => line('progress', { step }),
    ready: stack => line('ready', { stack }),
    stage: (stage, { escrow, event_type, fact_id, block, relayedMs, settledMs }) =>
      line('stage', { stage, escrow, event_type, fact_id, block, relayed_ms: relayedMs, settled_ms: settledMs }),
    story: told => line('story', told),
    result: result => line('result', summarize(result)),
    notice: text => line('notice', { text })
  }
}

export function createTextScreen(write: Write): Screen {
  const startedAt = performance.now()
  const noticed = new Map<string, number>()
  const elapsed = () => `${((performance.now() - startedAt) / 1000).toFixed(1).padStart(5)} s`
  return {
    progress: step => write(`${elapsed()}  ${step}`),
    ready: stack => write(`\n${describeStack(stack)}\nready\n`),
    stage: (stage, track) => write(`${elapsed()}  ${describeStage(stage, track)}`),
    story: told => write(`${elapsed()}  ${describeStory(told)}`),
    result: result => write(describeResult(result)),
    notice: text => {
      const last = noticed.get(text)
      if (last !== undefined && performance.now() - last < NOTICE_MS) return
      noticed.set(text, performance.now())
      write(`${elapsed()}  ! ${text}`)
    }
  }
}

function describeStack({
  services,
  functions,
  relayer,
  rpc_url,
  pubsub,
  issuer,
  databases,
  factory
}: StackFile): string {
  return formatTable(
    ['part', 'address'],
    [
      ...Object.entries(services).map(([name, url]) => [name, `${url}/docs`]),
      ['event-relayer', `${relayer}/health/detailed`],
      ...Object.entries(functions).map(([name, url]) => [name, `${url}/health/detailed`]),
      ['chain', rpc_url],
      ['escrow factory', factory],
      ['Pub/Sub', pubsub.emulator_host],
      ['token issuer', issuer.url],
      ...Object.entries(databases).map(([name, url]) => [name, url])
    ]
  )
}

const describeStory = ({ subject, event, outcome, reason }: Story): string =>
  `${short(subject).padEnd(11)}  ${event.padEnd(16)} ${outcome.padEnd(9)} ${reason ?? ''}`.trimEnd()

const short = (subject: string): string => (subject.length > 20 ? `${subject.slice(0, 10)}…` : subject)

function describeStage(
  stage: 'mined' | 'relayed' | 'settled',
  { escrow, event_type, block, relayedMs, settledMs }: Track
): string {
  const took = {
    mined: `block ${block}`,
    relayed: `+${milliseconds(relayedMs)}`,
    settled: `+${milliseconds(settledMs)}`
  }[stage]
  return `${short(escrow)}  ${event_type.padEnd(16)} ${stage.padEnd(8)} ${took}`
}

function describeResult(result: DemoResult): string {
  const { rows, counts, faults, deadLetters, ledger } = result
  const escrows = formatTable(
    ['escrow', 'life', 'chain', 'settlement', 'risk', 'compliance', 'commands', ''],
    rows.map(row => [
      row.escrow,
      row.title,
      row.chain,
      row.settlement,
      row.risk,
      row.compliance,
      row.commands,
      row.agrees ? '✓' : '✗'
    ])
  )
  const services = formatTable(
    ['service', 'published to it', 'handled', 'duplicates', 'missing', 'invented'],
    counts.services.map(one => [
      one.service,
      one.expected,
      one.handled,
      one.duplicates,
      one.missing.length,
      one.invented.length
    ])
  )
  const { p50, p99 } = latencies(result)
  const timing = `mined → row: p50 ${milliseconds(p50)}, p99 ${milliseconds(p99)} over ${result.tracks.length} facts, from when the block was seen`
  const totals = `${counts.published} messages published, ${deadLetters} dead letters`
  const books = `ledger: ${ledger.transfers} transfers of ${ledger.escrows} escrows, ${ledger.faults.length} faults; margin alerts of ${BORROWER}: ${result.alerts.join(', ')}`
  const verdict =
    faults.length === 0 ? 'Every event arrived once, and all parts agree.' : `NOT RIGHT:\n  ${faults.join('\n  ')}`
  return `\n${escrows}\n\n${services}\n\n${totals}\n${books}\n${timing}\n\n${verdict}`
}

function summarize(result: DemoResult) {
  const { rows, counts, faults, deadLetters, tracks, ledger, alerts } = result
  const { p50, p99 } = latencies(result)
  return {
    ok: faults.length === 0,
    faults,
    escrows: rows,
    counts,
    dead_letters: deadLetters,
    ledger,
    margin_alerts: alerts,
    facts: tracks.length,
    mined_to_row_ms: { p50, p99 }
  }
}

function latencies({ tracks }: DemoResult): { p50: number | undefined; p99: number | undefined } {
  const sorted = tracks.flatMap(track => track.settledMs ?? []).sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
  return { p50: at(0.5), p99: at(0.99) }
}

const milliseconds = (value: number | undefined): string => (value === undefined ? '?' : `${Math.round(value)} ms`)
