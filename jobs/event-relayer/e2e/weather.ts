import { pick, type Random, shuffled } from '../../../e2e/crash-script.ts'
import type { FaultName } from './faults.ts'
import type { Mood } from './proxy.ts'

type Episode = { until: number; kinds: readonly FaultName[]; chance: number }

/** A third of the time a provider is well. */
const FAIR = 0.33
const MIN_MS = 400
const MAX_MS = 2_400
const MOST_KINDS = 6

/** A mood that changes by itself: each provider has spells of up to six faults, each with a chance of its own. `now` in ms. */
export function createWeather({
  random,
  now,
  kinds,
  worst
}: {
  random: Random
  now(): number
  kinds: readonly FaultName[]
  /** The highest chance that a request meets a fault. */
  worst: number
}): Mood {
  const episodes = new Map<number, Episode>()

  function begin(): Episode {
    const fair = random() < FAIR
    const count = fair ? 0 : 1 + Math.floor(random() * MOST_KINDS)
    return {
      until: now() + MIN_MS + random() * (MAX_MS - MIN_MS),
      kinds: Array.from({ length: count }, () => pick(kinds, random)),
      chance: random() * worst
    }
  }

  return provider => {
    let episode = episodes.get(provider)
    if (!episode || episode.until < now()) {
      episode = begin()
      episodes.set(provider, episode)
    }
    return random() < episode.chance ? shuffled(episode.kinds, random) : []
  }
}
