import type { RelayerConfig } from '../src/config.ts'
import { checkAgainstChain, checkClaims } from './check-chain.ts'
import { checkCommands } from './check-commands.ts'
import { checkLives, checkOrder } from './check-lives.ts'
import { checkManifests } from './check-manifests.ts'
import { checkMessages } from './check-messages.ts'
import type { SimulationDatabase } from './database.ts'
import type { Journal } from './journal.ts'
import type { ModelBlock, TrueFact } from './model-block.ts'
import type { ModelChain } from './model-chain.ts'

const TOPICS = ['escrow-events', 'settlement-commands', 'chain.ranges.v1']

/** What is wrong at the end of a seed; empty when nothing was lost, doubled, invented, out of order or kept for ever. */
export async function check({
  chain,
  config,
  journal,
  database,
  replaced
}: {
  chain: ModelChain
  config: RelayerConfig
  journal: Journal
  database: SimulationDatabase
  /** Final blocks that the chain replaced. */
  replaced: ReadonlySet<ModelBlock>
}): Promise<string[]> {
  const facts = new Map<string, TrueFact>()
  for (const block of chain.blocks()) for (const fact of block.facts) facts.set(fact.fact_id, fact)
  const byTopic = Map.groupBy(journal, ({ topic }) => topic)
  const unknown = [...byTopic.keys()].filter(topic => !TOPICS.includes(topic))
  const { told, violations } = checkMessages(byTopic.get('escrow-events') ?? [], facts)
  const { lives, violations: broken } = checkLives(told, replaced)
  return [
    ...unknown.map(topic => `invented: messages on ${topic}`),
    ...violations,
    ...broken,
    ...checkOrder(told),
    ...checkCommands(byTopic.get('settlement-commands') ?? [], told),
    ...checkAgainstChain(lives, chain),
    ...(config.FINALITY === 'tags' ? checkClaims(told, chain) : []),
    ...checkManifests(byTopic.get('chain.ranges.v1') ?? [], { chain, firstBlock: config.START_BLOCK ?? 0, replaced }),
    ...(await checkLeftovers(database, config, chain))
  ]
}

/** Nothing waits, nothing is kept that nobody needs. */
async function checkLeftovers(
  { sql }: SimulationDatabase,
  { REORG_WINDOW }: RelayerConfig,
  chain: ModelChain
): Promise<string[]> {
  const below = (chain.finalized()?.number ?? 0) - REORG_WINDOW
  const [row] = await sql<{ waiting: number; kept: number; halts: number }[]>`
    select
      (select count(*)::int from outbox where published_at is null) as waiting,
      (select count(*)::int from halts) as halts,
      (select count(*)::int from blocks where block_number < ${below}
        and not exists (select from raw_logs where raw_logs.block_hash = blocks.block_hash)) as kept`
  const violations: string[] = []
  if (row?.waiting) violations.push(`lost: ${row.waiting} messages wait in the outbox`)
  if (row?.halts) violations.push('halted')
  if (row?.kept) violations.push(`kept: ${row.kept} blocks without logs below the reorg window`)
  return violations
}
