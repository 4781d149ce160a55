import type { FaultKind } from './faults.ts'
import { faultKinds } from './faults.ts'
import type { Options } from './options.ts'
import type { SeedResult } from './run-seed.ts'

export type Report = {
  add(result: SeedResult): void
  /** Whether no further seed is needed. */
  isComplete(): boolean
  /** Writes the totals; answers whether all is as it should be. */
  finish(): boolean
}

type Screen = { isTTY?: boolean; write(text: string): unknown }

const PROGRESS_SEEDS = 100

/** Shows how it goes, what each failing seed met, and the totals. */
export function createReport({
  options,
  write,
  stderr
}: {
  options: Options
  write: (text: string) => void
  stderr: Screen
}): Report {
  const startedAt = performance.now()
  const faults = new Map<FaultKind, number>()
  const failed: SeedResult[] = []
  const total = { played: 0, counted: 0, ticks: 0, messages: 0 }
  const alone = options.seeds === 1
  const seconds = () => (performance.now() - startedAt) / 1_000

  function progress(): void {
    const line = `${total.counted} of ${options.seeds} seeds, ${(total.played / seconds()).toFixed(1)} a second, ${failed.length} failed`
    if (stderr.isTTY) stderr.write(`\r${line}`)
    else if (total.played % PROGRESS_SEEDS === 0) stderr.write(`${line}\n`)
  }

  function showFailure({ seed, violations, trace }: SeedResult): void {
    const without = options.without ? ` --without ${options.without}` : ''
    if (alone || !options.without) write(trace.join('\n'))
    write(`seed ${seed} failed:`)
    for (const violation of violations) write(`  ${violation}`)
    write(`again: npm run simulate -- --seed ${seed} --verbose${without}`)
  }

  return {
    add(result) {
      total.played += 1
      total.ticks += result.ticks
      total.messages += result.messages
      if (result.faults.size > 0) total.counted += 1
      for (const [kind, count] of result.faults) faults.set(kind, (faults.get(kind) ?? 0) + count)
      if (result.violations.length > 0) {
        failed.push(result)
        showFailure(result)
      } else if (options.verbose) write(result.trace.join('\n'))
      progress()
    },
    isComplete: () =>
      (options.without !== undefined && failed.length > 0) || (alone ? total.played : total.counted) >= options.seeds,
    finish() {
      if (stderr.isTTY) stderr.write('\n')
      write('')
      for (const kind of faultKinds) write(`${kind.padEnd(22)} ${String(faults.get(kind) ?? 0).padStart(8)}`)
      write('')
      write(
        `${total.counted} seeds with faults (${total.played} played), ${total.ticks} ticks, ${total.messages} messages, ${seconds().toFixed(0)} s, ${(total.played / seconds()).toFixed(1)} seeds a second`
      )
      if (options.without) {
        const found = failed.length > 0 ? `noticed after ${total.played} seeds` : `not noticed in ${total.played} seeds`
        write(`without ${options.without}: ${found}`)
        return failed.length > 0
      }
      const kinds = Map.groupBy(
        failed.flatMap(({ violations }) => violations),
        violation => violation.split(':', 1)[0] ?? ''
      )
      const named = (kind: string) => kinds.get(kind)?.length ?? 0
      write(
        `lost ${named('lost')}, doubled ${named('doubled')}, invented ${named('invented')}, failed seeds ${failed.length}`
      )
      return failed.length === 0
    }
  }
}
