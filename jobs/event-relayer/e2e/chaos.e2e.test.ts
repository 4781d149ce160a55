import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { holds, PATIENCE_MS } from '@fusion-prime/local/testing/wait.ts'
import { type FaultName, faultNames } from './faults.ts'
import { type LifeOptions, startLife } from './life.ts'
import { type NodeProxy, wellBehaved } from './proxy.ts'
import { type Relayer, startRelayer } from './relayer.ts'
import { createScene, firedOf, type Scene, seed } from './scene.ts'
import { createWeather } from './weather.ts'

const PROVIDERS = 3
const settings = { LEASE_SECONDS: '2', RPC_TIMEOUT_MS: '1500', MAX_BLOCK_RANGE: '20' }
/** Reorgs stay above the finalized block, which is 8 below the head. */
const life = { blockMs: 250, reorgChance: 0.12, deepestReorg: 7 } satisfies Partial<LifeOptions>
/** Another chain at one URL is a mistake in the settings, and has a test of its own. */
const kinds: readonly FaultName[] = faultNames.filter(name => name !== 'other_chain')

/** Each relayer asks at URLs of its own, so that it is known which one works. */
function startAt(place: number, { proxy, settings }: Scene): Relayer {
  const urls = Array.from({ length: PROVIDERS }, (_, index) => proxy.url(place * PROVIDERS + index))
  return startRelayer(['--mode=loop'], { ...settings, RPC_URLS: urls.join(','), PORT: '0' })
}

const firings = ({ fired }: NodeProxy): number => fired.values().reduce((sum, count) => sum + count, 0)

const WEATHER_MS = 35_000

test('all faults at three providers, and reorgs', { timeout: 900_000 }, async t => {
  const scene = await createScene({ salt: 60, settings })
  const { driver, proxy, random } = scene
  const relayer = startAt(0, scene)
  try {
    await driver.play(20)
    const mood = createWeather({ random, now: () => performance.now(), kinds, worst: 1 })
    proxy.setMood(mood)
    const living = startLife(driver, { random, ...life })
    await sleep(WEATHER_MS)
    // A slow machine asks less, and so meets fewer faults in a time.
    const isStormy = await holds(() => proxy.fired.size > kinds.length / 4, { patienceMs: 2 * WEATHER_MS })
    await living.stop()
    proxy.setMood(wellBehaved)
    await driver.quiet(12)
    t.diagnostic(`faults that fired: ${firedOf(proxy)}`)
    t.diagnostic(`faults that didn't: ${kinds.filter(name => !proxy.fired.has(name)).join(', ')}`)
    const what = `${firings(proxy)} faults of ${proxy.fired.size} kinds, ${living.reorgs} reorgs up to ${living.deepest} deep`
    await scene.assertTold(t, { what, patienceMs: PATIENCE_MS })
    assert.equal(await Promise.race([relayer.ended, sleep(0, 'it runs')]), 'it runs')
    assert.ok(isStormy, 'too few kinds of faults fired to show anything')
  } catch (error) {
    t.diagnostic(`RELAYER_SEED=${seed}\n${relayer.output().slice(-3_000)}`)
    throw error
  } finally {
    await relayer.stop()
    await scene.close()
  }
})

const KILLS = 50
const RELAYERS = 3
/** So long it may have to publish something before it is killed. */
const PUBLISHING_MS = 4_000
const WAVER_MS = 150

test('50 kills, with faults at three providers and reorgs', { timeout: 900_000 }, async t => {
  const scene = await createScene({ salt: 61, settings })
  const { driver, proxy, stage, random } = scene
  const relayers = Array.from({ length: RELAYERS }, (_, place) => startAt(place, scene))
  const ends: string[] = []
  try {
    await driver.play(20)
    proxy.setMood(createWeather({ random, now: () => performance.now(), kinds, worst: 0.2 }))
    const living = startLife(driver, { random, ...life })
    for (let kills = 0; kills < KILLS; kills++) {
      const { requests } = proxy.last
      const published = (await stage.published()).length
      const isWorking = () => proxy.last.requests > requests
      assert.ok(await holds(isWorking, { everyMs: 10 }), 'nobody works')
      const hasPublished = async () => (await stage.published()).length > published
      await holds(hasPublished, { patienceMs: PUBLISHING_MS, everyMs: 30 })
      await sleep(random() * WAVER_MS)
      const place = Math.floor(proxy.last.provider / PROVIDERS)
      const victim = relayers[place]
      victim?.kill('SIGKILL')
      const ending = await victim?.ended
      if (ending?.signal !== 'SIGKILL') ends.push(`exit ${ending?.code}: ${ending?.output.slice(-1_500)}`)
      relayers[place] = startAt(place, scene)
      await stage.endLease()
    }
    await living.stop()
    proxy.setMood(wellBehaved)
    await driver.quiet(12)
    const what = `${KILLS} kills, ${firings(proxy)} faults of ${proxy.fired.size} kinds, ${living.reorgs} reorgs up to ${living.deepest} deep`
    const { again, reverts } = await scene.assertTold(t, { what, patienceMs: PATIENCE_MS })
    assert.deepEqual(ends, [], 'a relayer ended by itself')
    assert.ok(again + reverts > 0, 'no kill and no reorg left a trace')
  } catch (error) {
    for (const relayer of relayers) t.diagnostic(relayer.output().slice(-3_000))
    throw error
  } finally {
    await Promise.all(relayers.map(one => one.stop()))
    await scene.close()
  }
})
