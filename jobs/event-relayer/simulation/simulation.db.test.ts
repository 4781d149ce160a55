import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { testDatabase } from '@fusion-prime/local'
import type { Protection } from '../src/world.ts'
import badSeeds from './bad-seeds.json' with { type: 'json' }
import { openDatabase, type SimulationDatabase } from './database.ts'
import { protections } from './options.ts'
import { playSeed } from './play-seed.ts'
import { runSeed, type SeedResult } from './run-seed.ts'

const SEEDS = 200
const SEEDS_TO_NOTICE = 100
/** Where the search begins, if not at 1: the first that noticed once. `npm run simulate -- --without …` goes from 1. */
const noticedAt: Partial<Record<Protection, number>> = { fencing: 70, raise_by_hash: 24, incarnation: 26 }

describe('the relayer among simulated faults', () => {
  let database: SimulationDatabase
  let close: () => Promise<void>

  before(async () => {
    const server = await testDatabase()
    database = await openDatabase(server.url)
    close = async () => {
      await database.close()
      await server.close()
    }
  })
  after(() => close())

  const assertWell = ({ seed, violations }: SeedResult) =>
    assert.deepEqual(violations, [], `npm run simulate -- --seed ${seed} --verbose`)

  for (const { seed, met } of badSeeds) {
    test(`seed ${seed}, which once met: ${met}`, async () =>
      assertWell(await runSeed({ seed, database, without: new Set() })))
  }

  test(`${SEEDS} seeds with faults: nothing lost, doubled, invented or out of order`, async () => {
    for (let seed = 1, counted = 0; counted < SEEDS; seed++) {
      const result = await runSeed({ seed, database, without: new Set() })
      assertWell(result)
      if (result.faults.size > 0) counted += 1
    }
  })

  test('a seed gives the same trace again', async () => {
    const [first, second] = [
      await runSeed({ seed: 7, database, without: new Set() }),
      await runSeed({ seed: 7, database, without: new Set() })
    ]
    assert.ok(first.trace.length > 20)
    assert.deepEqual(first.trace, second.trace)
  })

  for (const protection of protections) {
    test(`without ${protection} a fault is noticed`, async () => {
      const first = noticedAt[protection] ?? 1
      for (let seed = first; seed < first + SEEDS_TO_NOTICE; seed++) {
        const { violations } = await playSeed({ seed, database, without: new Set([protection]) })
        if (violations.length > 0) return
      }
      assert.fail(`not noticed in ${SEEDS_TO_NOTICE} seeds`)
    })
  }
})
