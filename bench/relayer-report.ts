import { formatTable } from '../shared/local/src/table.ts'
import type { MeasuredTick, RelayerResult } from './relayer.ts'
import type { MethodCount } from './relayer-answers.ts'
import type { Profile, SelfTime } from './relayer-profile.ts'
import { median } from './statistics.ts'

/** A line of the table: medians of the rounds, the speeds also as slowest and fastest. Seconds from exec; memory in bytes. */
export type RelayerLine = {
  scenario: string
  tick: string
  urls: number
  check: string
  blocks: number
  events: number
  commitSeconds: number
  perSecond: number
  slowest: number
  fastest: number
  publishSeconds: number
  publishedPerSecond: number
  /** Of the relayer's process, until it ended. */
  cpuSeconds: number | undefined
  /** The highest of all rounds. */
  peakBytes: number | undefined
  /** From here on of the last round. */
  requests: number
  requestBytes: number
  methods: Record<string, MethodCount>
  profile: Profile | undefined
}

const WHICH = ['scenario', 'tick', 'URLs', 'check']
const HEAD = [
  ...WHICH,
  ...['blocks', 'events', 'commit s', 'blocks/s', 'events/s', 'min', 'max'],
  ...['publish s', 'published/s', 'cpu s', 'peak MB', 'RPC calls', 'MB']
]
const MEGA = 1_000_000

export const relayerLines = (results: readonly RelayerResult[]): RelayerLine[] => results.map(toLine)

function toLine({ scenario, tick, rounds }: RelayerResult): RelayerLine {
  const medianOf = (figure: (round: MeasuredTick) => number) => median(rounds.map(figure))
  const speeds = rounds.map(round => tick.events / round.commitSeconds)
  const processorTimes = rounds.flatMap(round => round.cpuSeconds ?? [])
  const peaks = rounds.flatMap(round => round.peakBytes ?? [])
  const last = rounds.at(-1)
  if (!last) throw new Error(`${scenario.name}: no round was measured`)
  return {
    scenario: scenario.name,
    tick: tick.name,
    urls: scenario.urls,
    check: scenario.check,
    blocks: tick.blocks,
    events: tick.events,
    commitSeconds: medianOf(round => round.commitSeconds),
    perSecond: median(speeds),
    slowest: Math.min(...speeds),
    fastest: Math.max(...speeds),
    publishSeconds: medianOf(round => round.publishSeconds),
    publishedPerSecond: medianOf(round => tick.events / round.publishSeconds),
    cpuSeconds: processorTimes.length > 0 ? median(processorTimes) : undefined,
    peakBytes: peaks.length > 0 ? Math.max(...peaks) : undefined,
    ...last.counts,
    profile: last.profile
  }
}

/** One line a tick; then what each asked of its providers, by method; then its profile, where one was made. */
export function formatRelayer(lines: readonly RelayerLine[]): string {
  return [formatFigures(lines), formatMethods(lines), ...lines.flatMap(formatProfile)].join('\n\n')
}

const which = ({ scenario, tick, urls, check }: RelayerLine) => [scenario, tick, urls, check]

const formatFigures = (lines: readonly RelayerLine[]): string =>
  formatTable(
    HEAD,
    lines.map(line => {
      const counts = Object.values(line.methods)
      return [
        ...which(line),
        ...[line.blocks, line.events, round(line.commitSeconds, 2), round(line.blocks / line.commitSeconds, 0)],
        ...[line.perSecond, line.slowest, line.fastest].map(speed => round(speed, 0)),
        ...[round(line.publishSeconds, 2), round(line.publishedPerSecond, 0)],
        line.cpuSeconds === undefined ? '' : round(line.cpuSeconds, 2),
        line.peakBytes === undefined ? '' : round(line.peakBytes / MEGA, 0),
        ...[sum(counts.map(({ calls }) => calls)), round(sum(counts.map(({ bytes }) => bytes)) / MEGA, 1)]
      ]
    })
  )

const formatMethods = (lines: readonly RelayerLine[]): string =>
  formatTable(
    [...WHICH, 'method', 'calls', 'MB'],
    lines.flatMap(line => [
      ...Object.entries(line.methods).map(([method, { calls, bytes }]) => [
        ...which(line),
        ...[method, calls, round(bytes / MEGA, 2)]
      ]),
      [...which(line), 'HTTP requests (sent)', line.requests, round(line.requestBytes / MEGA, 2)]
    ])
  )

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

function formatProfile({ profile, scenario, tick, urls, check }: RelayerLine): string[] {
  if (!profile) return []
  const title = `self time: ${scenario}, ${tick}, URLs ${urls}, check ${check}`
  return [`${title}\n${formatTimes(profile.parts)}`, formatTimes(profile.functions)]
}

const formatTimes = (times: readonly SelfTime[]): string =>
  formatTable(
    ['ms', '%', 'where'],
    times.map(({ milliseconds, share, name }) => [round(milliseconds, 0), round(share * 100, 1), name])
  )

const round = (value: number, digits: number): number => Number(value.toFixed(digits))
