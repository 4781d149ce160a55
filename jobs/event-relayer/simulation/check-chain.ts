import type { Life } from './check-lives.ts'
import type { Told } from './check-messages.ts'
import { isAncestor, type ModelBlock, type TrueFact } from './model-block.ts'
import type { ModelChain } from './model-chain.ts'

/** What subscribers believe at the end is what the chain has: nothing lost, nothing left standing that is gone. */
export function checkAgainstChain(lives: ReadonlyMap<TrueFact, Life>, chain: ModelChain): string[] {
  const violations: string[] = []
  for (const block of chain.blocks()) {
    const canonical = isAncestor(block, chain.tip())
    for (const fact of block.facts) {
      const what = `${fact.event_type} of block ${block.number} ${block.hash.slice(0, 10)} log ${fact.log_index}`
      const level = lives.get(fact)?.level
      if (canonical && !reaches(level, levelOf(block, chain)))
        violations.push(`lost: ${what} was told as ${level ?? 'nothing'}, the chain has it as ${levelOf(block, chain)}`)
      if (!canonical && level !== undefined && level !== 'reverted')
        violations.push(`not taken back: ${what} stands as ${level}, its block is gone`)
    }
  }
  return violations
}

/** Nothing was called safe or final before it was. */
export function checkClaims(told: readonly Told[], chain: ModelChain): string[] {
  const violations: string[] = []
  for (const { fact, finality, at } of told) {
    if (finality !== 'safe' && finality !== 'finalized') continue
    const since = chain.since(finality, fact.block)
    if (since === undefined || since > at)
      violations.push(`claimed: ${fact.event_type} of block ${fact.block.number} was told as ${finality} before it was`)
  }
  return violations
}

const order = ['seen', 'safe', 'finalized']

const reaches = (level: string | undefined, wanted: string): boolean =>
  level !== undefined && order.indexOf(level) >= order.indexOf(wanted)

function levelOf({ number }: ModelBlock, chain: ModelChain): string {
  if (number <= (chain.finalized()?.number ?? -1)) return 'finalized'
  return number <= (chain.safe()?.number ?? -1) ? 'safe' : 'seen'
}
