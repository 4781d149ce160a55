import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { holds } from '@fusion-prime/local/testing/wait.ts'
import { createRandom, type Random } from '../../../e2e/crash-script.ts'
import { type Driver, startDriver } from './driver.ts'
import { judge, type Verdict } from './judge.ts'
import { type NodeProxy, startProxy } from './proxy.ts'
import { createStage, type Settings, type Stage } from './stage.ts'
import type { Levels } from './truth.ts'

/** `RELAYER_SEED=7 npx node --test jobs/event-relayer/e2e/…` replays what was drawn. */
export const seed = Number(process.env.RELAYER_SEED ?? Date.now() % 1_000_000)

/** A chain, a proxy before it, a database and a broker: all that a relayer meets. */
export type Scene = {
  driver: Driver
  proxy: NodeProxy
  stage: Stage
  random: Random
  settings: Settings
  verdict(reached?: Levels): Promise<Verdict>
  /** Whether all that the chain has was told within so long, each to the level that it has reached. */
  isTold(options?: { patienceMs?: number | undefined; reached?: (() => Levels) | undefined }): Promise<boolean>
  /** Fails, with the figures in a line of the test's output otherwise, unless all is told and nothing else. */
  assertTold(t: TestContext, options: { what: string; patienceMs?: number; reached?: () => Levels }): Promise<Verdict>
  close(): Promise<void>
}

export type SceneOptions = {
  /** How many URLs the relayer is given. */
  providers?: number
  /** Adds to what the seed of the run draws, so that scenes differ. */
  salt?: number
  settings?: Settings
  databaseUrl?: string
  stateFile?: string
}

export async function createScene(options: SceneOptions = {}): Promise<Scene> {
  const { providers = 1, salt = 0, settings, databaseUrl, stateFile } = options
  const random = createRandom(seed + salt)
  const driver = await startDriver({ random, ...(stateFile && { stateFile }) })
  const proxy = await startProxy({ node: driver.rpcUrl, random: createRandom(seed + salt + 1) })
  const stage = await createStage({ ...(databaseUrl && { databaseUrl }) })
  const urls = Array.from({ length: providers }, (_, index) => proxy.url(index))

  const isTold: Scene['isTold'] = ({ patienceMs, reached = () => driver.truth.levels } = {}) =>
    holds(async () => isFaultless(await verdict(reached())), { patienceMs })
  const verdict = async (reached?: Levels) => judge(driver.truth, { published: await stage.published(), reached })
  return {
    driver,
    proxy,
    stage,
    random,
    settings: { ...stage.settings, RPC_URLS: urls.join(','), ESCROW_FACTORIES: driver.contracts.factory, ...settings },
    verdict,
    isTold,
    async assertTold(t, { what, patienceMs = 0, reached = () => driver.truth.levels }) {
      await isTold({ patienceMs, reached })
      const final = await verdict(reached())
      t.diagnostic(`${what}, RELAYER_SEED=${seed}: ${figuresOf(final)}`)
      assertFaultless(final, `${what}, RELAYER_SEED=${seed}`)
      return final
    },
    async close() {
      await proxy.close()
      await driver.stop()
      await stage.close()
    }
  }
}

export const isFaultless = ({ faults }: Verdict): boolean => Object.values(faults).every(texts => texts.length === 0)

/** Fails with the first words of each kind of fault. */
export function assertFaultless({ faults }: Verdict, when: string): void {
  const found = Object.entries(faults).flatMap(([kind, texts]) =>
    texts.length === 0 ? [] : [`${texts.length} ${kind}: ${texts[0]}`]
  )
  assert.deepEqual(found, [], when)
}

/** One line of figures, to quote. */
export function figuresOf({ faults, ...figures }: Verdict): string {
  const counts = Object.entries(faults).map(([kind, texts]) => [kind, texts.length])
  return JSON.stringify({ ...figures, ...Object.fromEntries(counts) })
}

/** The levels that a rule by depth gives. */
export const byDepth =
  ({ truth }: Driver, { safe, finalized }: Levels) =>
  (): Levels => ({ safe: truth.chain.length - 1 - safe, finalized: truth.chain.length - 1 - finalized })

/** How often which fault fired, to quote. */
export const firedOf = ({ fired }: NodeProxy): string =>
  [...fired]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')
