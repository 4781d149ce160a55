import type { RoundResult } from './round.ts'

/** What this process has done since it started. */
export type Counters = {
  count(result: RoundResult): void
  /** Prometheus' text format. */
  text(): string
}

export function createCounters(): Counters {
  let rounds = 0
  const published = new Map<string, number>()
  const refused = new Map<string, number>()
  const add = (counts: Map<string, number>, labels: string) => counts.set(labels, (counts.get(labels) ?? 0) + 1)
  return {
    count(result) {
      rounds += 1
      for (const { asset } of result.published) add(published, `asset="${asset}"`)
      for (const { asset, reason } of result.refused) add(refused, `asset="${asset}",reason="${reason}"`)
    },
    text: () =>
      [
        ...counter({ name: 'price_rounds_total', help: 'Rounds that were committed', counts: new Map([['', rounds]]) }),
        ...counter({ name: 'prices_published_total', help: 'Prices committed for publishing', counts: published }),
        ...counter({ name: 'prices_refused_total', help: 'Prices not published', counts: refused }),
        ''
      ].join('\n')
  }
}

function counter({
  name,
  help,
  counts
}: {
  name: string
  help: string
  counts: ReadonlyMap<string, number>
}): string[] {
  const lines = [...counts].map(([labels, count]) => `${name}${labels && `{${labels}}`} ${count}`)
  return [`# HELP ${name} ${help}`, `# TYPE ${name} counter`, ...lines]
}
