import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { OutboxMessage } from '@fusion-prime/postgres'
import { createLog, readConfig } from '@fusion-prime/runtime'
import { RelayerConfig } from '../config.ts'
import { Halted } from '../relay.ts'
import { resume } from '../resume.ts'
import { CHAIN_ID, chain, forkAfter } from '../store/store-fixture.ts'
import type { BuiltBlock } from '../testing/blocks.ts'
import {
  connectTo,
  type ModelDatabase,
  modelDatabase,
  modelEnv,
  modelNode,
  modelRelayer
} from '../testing/model-relayer.ts'
import { createReading, watchBelow } from '../verify/create-reading.ts'
import { createCovers, loadScope } from '../verify/scope.ts'
import { systemClock } from '../world.ts'
import { type ChainFact, readParts } from './chain-parts.ts'
import { finalAgain, forcedIncarnations } from './incarnations.ts'

let database: ModelDatabase
before(async () => {
  database = await modelDatabase()
})
after(() => database.close())

const finalNode = (blocks: readonly BuiltBlock[]) => ({ ...modelNode(blocks), finalDepth: 0, safeDepth: 0 })

/** Follows a chain all of whose blocks are final; where that replaces final ones, an operator resumes. */
async function follow(blocks: readonly BuiltBlock[]): Promise<void> {
  const relayer = modelRelayer({ url: database.url, nodes: [finalNode(blocks)] })
  try {
    await relayer.tick()
  } catch (error) {
    if (!(error instanceof Halted)) throw error
    await resume(relayer.relayer, { fromBlock: error.halt.resume_from, mode: 'confirmed' })
    await relayer.tick()
  } finally {
    await relayer.release()
    await relayer.close()
  }
}

/** The facts of a chain as reconciliation reads them. */
async function read(blocks: readonly BuiltBlock[]): Promise<ChainFact[]> {
  const { sql, url } = database
  const nodes = [finalNode(blocks)]
  const config = readConfig(RelayerConfig, modelEnv({ url, nodes }))
  const log = createLog('reconcile-test', { write: () => undefined })
  const { factories, ...reading } = createReading(sql, {
    config,
    log,
    world: { connect: connectTo(nodes), clock: systemClock }
  })
  const scope = await loadScope(sql, CHAIN_ID)
  const watch = await watchBelow(sql, { scope, factories, chainId: CHAIN_ID, block: 0 })
  const parts = readParts(
    { ...reading, incarnations: range => forcedIncarnations(sql, { chainId: CHAIN_ID, range }) },
    { range: { from: 0, to: blocks.length - 1 }, watch, covers: createCovers(scope, watch) }
  )
  const facts: ChainFact[] = []
  for await (const part of parts) facts.push(...part.facts)
  return facts
}

test('what is published again is what was said last, also after a revert by force', async () => {
  await follow(chain)
  await follow(forkAfter(2))
  await follow(chain)
  const facts = await read(chain)
  assert.deepEqual(
    facts.map(({ block_number, incarnation }) => [block_number, incarnation]),
    [
      [1, 1],
      [2, 1],
      [2, 1],
      [3, 2],
      [3, 2]
    ]
  )
  for (const fact of facts) {
    const again = finalAgain(fact, '00-00000000000000000000000000000001-0000000000000001-01')
    const [said] = await database.sql<OutboxMessage[]>`
      select topic, event_id, ordering_key, data, attributes from outbox
      where topic = 'escrow-events' and attributes->>'fact_id' = ${fact.fact_id} and attributes->>'finality' = 'finalized'
      order by seq desc limit 1`
    assert.ok(said)
    const { first: _, traceparent: __, ...attributes } = said.attributes
    const { first: ___, traceparent: ____, ...attributesAgain } = again.attributes
    assert.deepEqual({ ...again, attributes: attributesAgain }, { ...said, attributes })
    assert.equal(fact.event_id, said.event_id)
  }
})
