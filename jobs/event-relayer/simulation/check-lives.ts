import type { Told } from './check-messages.ts'
import type { ModelBlock, TrueFact } from './model-block.ts'

/** How far a fact has come by what subscribers were told. */
export type Life = { level: string; incarnation: number; forced: boolean }

const rank: Readonly<Record<string, number>> = { seen: 1, safe: 2, finalized: 3 }

/**
 * Each fact rises, each level once, and after a revert begins anew with the next incarnation. What is final is taken back
 * only where final blocks were replaced, and then by force.
 */
export function checkLives(
  told: readonly Told[],
  replaced: ReadonlySet<ModelBlock>
): { lives: Map<TrueFact, Life>; violations: string[] } {
  const violations: string[] = []
  const lives = new Map<TrueFact, Life>()
  for (const one of told) {
    const before = lives.get(one.fact)
    const begins = !before || before.level === 'reverted'
    const incarnation = (before?.incarnation ?? 0) + (begins ? 1 : 0)
    const faults = [
      begins ? faultOfFirst(one) : faultOfNext(one, before, replaced),
      miscounted(one, { incarnation, forced: before?.forced === true })
    ]
    for (const fault of faults)
      if (fault) violations.push(`${fault}: ${nameOf(one)} after ${before?.level ?? 'nothing'}`)
    lives.set(one.fact, { level: one.finality, incarnation, forced: before?.forced === true || one.forced })
  }
  return { lives, violations }
}

const nameOf = ({ fact, finality, incarnation }: Told): string =>
  `${fact.event_type} of block ${fact.block.number} log ${fact.log_index}: ${finality}#${incarnation}`

/** A plain finalized message says incarnation 1, whatever came before; unless a forced revert did. */
function miscounted(one: Told, { incarnation, forced }: Omit<Life, 'level'>): string | undefined {
  const says = one.finality === 'finalized' && !forced ? 1 : incarnation
  return one.incarnation === says ? undefined : `incarnation is not ${says}`
}

function faultOfFirst({ finality, first }: Told): string | undefined {
  if (finality === 'reverted') return 'reverted what was not told'
  return first ? undefined : 'first message does not say so'
}

function faultOfNext(
  { fact, finality, first, forced }: Told,
  { level }: Life,
  replaced: ReadonlySet<ModelBlock>
): string | undefined {
  if (first) return 'later message says first'
  if (finality !== 'reverted') return (rank[finality] ?? 0) > (rank[level] ?? 0) ? undefined : 'did not rise'
  if (forced !== (level === 'finalized')) return 'forced is wrong'
  return forced && !replaced.has(fact.block) ? 'reverted what was final' : undefined
}

/** Within a key: first messages in chain order, rises to one level in chain order, reverts newest first. */
export function checkOrder(told: readonly Told[]): string[] {
  return [...Map.groupBy(told, one => one.ordering_key).values()].flatMap(checkKey)
}

function checkKey(messages: readonly Told[]): string[] {
  const violations: string[] = []
  const firsts: TrueFact[] = []
  const rises: Record<'safe' | 'finalized', TrueFact[]> = { safe: [], finalized: [] }
  for (const { fact, finality, first, ordering_key } of messages) {
    const where = `out of order: ${ordering_key}: ${finality} of block ${fact.block.number} log ${fact.log_index}`
    if (finality === 'reverted') {
      if (firsts.at(-1) !== fact) violations.push(`${where} is not the newest that stands`)
      for (const standing of [firsts, rises.safe, rises.finalized]) remove(standing, fact)
      continue
    }
    const before = first ? firsts : rises[finality === 'finalized' ? 'finalized' : 'safe']
    const last = before.at(-1)
    if (last && !isAfter(fact, last))
      violations.push(`${where} came after block ${last.block.number} log ${last.log_index}`)
    before.push(fact)
  }
  return violations
}

function remove(standing: TrueFact[], fact: TrueFact): void {
  const at = standing.indexOf(fact)
  if (at >= 0) standing.splice(at, 1)
}

const isAfter = (a: TrueFact, b: TrueFact): boolean =>
  a.block.number > b.block.number || (a.block.number === b.block.number && a.log_index > b.log_index)
