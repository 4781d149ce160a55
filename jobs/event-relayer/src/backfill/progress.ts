import type { Clock } from '../world.ts'

export type Progress = {
  /** What is done now; the line is written at most once a second. */
  show(stage: string, done: number): void
  /** Leaves the last line standing. */
  end(): void
}

const EVERY_MS = 1_000

/** One line that is written over again: stage, share, blocks per second, time left. */
export function createProgress({
  total,
  clock,
  write
}: {
  total: number
  clock: Clock
  write(text: string): void
}): Progress {
  const started = new Map<string, { at: number; done: number }>()
  let shownAt = Number.NEGATIVE_INFINITY
  let shown = false
  return {
    show(stage, done) {
      const now = clock.now()
      const begun = started.get(stage) ?? { at: now, done }
      started.set(stage, begun)
      if (now - shownAt < EVERY_MS && done < total) return
      shownAt = now
      shown = true
      write(`\r\x1b[K${progressLine({ stage, done, total, since: begun, now })}`)
    },
    end() {
      if (shown) write('\n')
    }
  }
}

export function progressLine({
  stage,
  done,
  total,
  since,
  now
}: {
  stage: string
  done: number
  total: number
  since: { at: number; done: number }
  now: number
}): string {
  const seconds = (now - since.at) / 1_000
  const rate = seconds > 0 ? (done - since.done) / seconds : 0
  const share = `${stage}: ${done} of ${total} blocks (${Math.floor((100 * done) / total)} %)`
  if (rate === 0) return share
  return `${share}, ${Math.round(rate)} blocks/s, ${duration((total - done) / rate)} left`
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds)
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)]
  if (hours > 0) return `${hours} h ${minutes} min`
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`
}
