import { isDeepStrictEqual } from 'node:util'
import { createHearing, describe, type Report } from './hearing.ts'
import type { Published } from './journal.ts'
import { judgeRanges } from './judge-ranges.ts'
import type { Levels, TrueFact, Truth } from './truth.ts'

export type Kind = 'lost' | 'doubled' | 'invented' | 'disordered' | 'wrong'

export type Verdict = {
  /** In words, by kind. */
  faults: Record<Kind, string[]>
  facts: number
  messages: number
  /** Exact copies, as a crash between publishing and marking leaves them. */
  again: number
  reverts: number
  /** First messages of second and later incarnations. */
  returned: number
}

/**
 * Holds what was published against the truth. With `reached` nothing may be missing: each fact was told up to exactly the level of its
 * block, what was told of dropped blocks is reverted, and manifests say so of all final blocks.
 */
export function judge(
  truth: Truth,
  { published, reached }: { published: readonly Published[]; reached?: Levels | undefined }
): Verdict {
  const faults: Verdict['faults'] = { lost: [], doubled: [], invented: [], disordered: [], wrong: [] }
  const report: Report = (kind, text) => void faults[kind].push(text)
  const hearing = createHearing(truth, report)
  const firsts = new Map<string, Published>()
  let again = 0
  for (const message of published.filter(one => one.topic === 'escrow-events')) {
    const id = message.attributes.event_id ?? ''
    const before = firsts.get(id)
    if (!before) {
      firsts.set(id, message)
      hearing.hear(message)
    } else if (isDeepStrictEqual(before, message)) again += 1
    else report('doubled', `${id} says two things: ${before.data} and ${message.data}`)
  }
  if (reached) {
    for (const fact of truth.canonical()) {
      const [told, due] = [hearing.levelOf(fact), dueLevel(fact, reached)]
      if (told !== due) report('lost', `${describe(fact)} is ${due}, and was told up to ${told ?? 'nothing'}`)
    }
    const canonical = new Set(truth.chain)
    for (const fact of hearing.standing())
      if (!canonical.has(fact.block.hash)) report('lost', `the revert of ${describe(fact)}`)
    judgeRanges(truth, { published, reached, report })
  }
  const { reverts, returned } = hearing
  return { faults, facts: truth.canonical().length, messages: firsts.size, again, reverts, returned }
}

function dueLevel({ block }: TrueFact, { safe, finalized }: Levels): 'seen' | 'safe' | 'finalized' {
  if (block.number <= finalized) return 'finalized'
  return block.number <= safe ? 'safe' : 'seen'
}
