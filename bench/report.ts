import { availableParallelism, cpus } from 'node:os'
import { formatTable } from '../shared/local/src/table.ts'
import type { BrokerResult } from './broker.ts'
import type { PushResult } from './push.ts'
import { type KindName, kindNames, kinds } from './push-endpoints.ts'
import { median, quantile } from './statistics.ts'

/** A line of the table. Latency in milliseconds; `ofChecks` and `ofNaive`: its speed as a multiple of theirs, in the same run. */
export type Line = {
  measured: string
  endpoint: string
  perSecond: number
  slowest: number
  fastest: number
  p50?: number
  p99?: number
  ofChecks?: number
  ofNaive?: number
}

const HEAD = ['measured', 'endpoint', '1/s (median)', 'min', 'max', 'p50 ms', 'p99 ms', '× checks', '× naive']

export const brokerLines = (results: readonly BrokerResult[]): Line[] =>
  results.map(({ name, perSecond }) => ({
    measured: `broker, ${name}`,
    endpoint: kinds.bare.name,
    ...spread(perSecond)
  }))

export const pushLines = (results: readonly PushResult[]): Line[] =>
  results.map(({ mix, kind, perSecond, latencies }) => {
    const speedOf = (other: KindName) =>
      median(results.find(one => one.mix === mix && one.kind === other)?.perSecond ?? [])
    const speed = median(perSecond)
    return {
      measured: `push, ${mix}`,
      endpoint: kinds[kind].name,
      ...spread(perSecond),
      p50: quantile(latencies, 0.5),
      p99: quantile(latencies, 0.99),
      ofChecks: speed / speedOf('checks'),
      ofNaive: speed / speedOf('naive')
    }
  })

const spread = (figures: readonly number[]) => ({
  perSecond: Math.round(median(figures)),
  slowest: Math.round(Math.min(...figures)),
  fastest: Math.round(Math.max(...figures))
})

export const formatLines = (lines: readonly Line[]): string =>
  formatTable(
    HEAD,
    lines.map(({ measured, endpoint, perSecond, slowest, fastest, p50, p99, ofChecks, ofNaive }) => [
      measured,
      endpoint,
      perSecond,
      slowest,
      fastest,
      ...[round(p50, 1), round(p99, 1), round(ofChecks, 2), round(ofNaive, 2)]
    ])
  )

const round = (value: number | undefined, digits: number): number | string =>
  value === undefined ? '' : Number(value.toFixed(digits))

export const describeEndpoints = (): string =>
  kindNames.map(kind => `${kinds[kind].name}: ${kinds[kind].meaning}`).join('\n')

/** What the figures depend on. */
export const describeMachine = (postgres: string | undefined): string =>
  [`${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown processor'}`, `Node ${process.version}`, postgres]
    .filter(part => part !== undefined)
    .join(', ')
