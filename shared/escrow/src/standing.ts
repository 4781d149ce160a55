import type { Finality } from '@fusion-prime/events'

/** One message about a fact: an incarnation reached a level or was reverted. */
export type FactMessage = { finality: Finality; incarnation: number; forced: boolean }

export type Level = Exclude<Finality, 'reverted'>

/** Whether a fact counts now, and the level that it has, or had reached before its revert. */
export type Standing = { counts: boolean; reverted: boolean; finality: Level }

const rank: Record<Finality, number> = { reverted: -1, seen: 0, safe: 1, finalized: 2 }

export const lowestLevel = (levels: readonly Level[]): Level =>
  levels.reduce<Level>((lowest, level) => (rank[level] < rank[lowest] ? level : lowest), 'finalized')

/**
 * A fact counts if its highest incarnation isn't reverted, or if an incarnation is finalized and none was reverted by force since.
 * It is a function of the set of messages, so any order of arrival gives one answer. Plain `finalized` always says incarnation 1,
 * whatever came before; a forced revert therefore undoes every finalized incarnation up to its own.
 */
export function standingOf(messages: readonly FactMessage[]): Standing {
  const highest = Math.max(...messages.map(message => message.incarnation))
  const forcedUpTo = Math.max(0, ...messages.filter(message => message.forced).map(message => message.incarnation))
  const finalized = messages.filter(message => message.finality === 'finalized')
  if (finalized.some(message => message.incarnation > forcedUpTo)) {
    return { counts: true, reverted: false, finality: 'finalized' }
  }
  const latest = messages.filter(message => message.incarnation === highest)
  const reverted = latest.some(message => message.finality === 'reverted')
  if (forcedUpTo === highest && finalized.length > 0) return { counts: false, reverted, finality: 'finalized' }
  return {
    counts: !reverted,
    reverted,
    finality: latest.some(message => message.finality === 'safe') ? 'safe' : 'seen'
  }
}
