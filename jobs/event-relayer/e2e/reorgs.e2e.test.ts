import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { PATIENCE_MS } from '@fusion-prime/local/testing/wait.ts'
import { shuffled } from '../../../e2e/crash-script.ts'
import { runRelayer, startRelayer } from './relayer.ts'
import { byDepth, createScene } from './scene.ts'

const DEPTHS = Array.from({ length: 20 }, (_, index) => index + 1)
/** Deeper than any reorg here, so that nothing final is dropped. */
const DISTANCE = { safe: 6, finalized: 25 }
const settings = { FINALITY: `depth:${DISTANCE.safe},${DISTANCE.finalized}`, REORG_WINDOW: '30', LEASE_SECONDS: '2' }
const MOMENT_MS = 900

test('reorgs of 1 to 19 blocks while the relayer is down', async t => {
  const scene = await createScene({ salt: 1, settings })
  const { driver } = scene
  const depths = shuffled(
    DEPTHS.filter(depth => depth % 2 === 1),
    scene.random
  )
  try {
    await driver.play(30)
    for (const depth of [0, ...depths]) {
      if (depth > 0) await driver.reorg(depth)
      await driver.play(1)
      const { code, output } = await runRelayer(['--mode=tick'], scene.settings)
      assert.equal(code, 0, output.slice(-2_000))
    }
    const what = `${depths.length} reorgs while it was down, 1 to 19 deep`
    const { reverts } = await scene.assertTold(t, { what, reached: byDepth(driver, DISTANCE) })
    assert.ok(reverts > 0, 'no told fact was dropped, so this shows nothing')
  } finally {
    await scene.close()
  }
})

test('reorgs of 2 to 20 blocks while it runs', async t => {
  const scene = await createScene({ salt: 2, settings })
  const { driver, random } = scene
  const depths = shuffled(
    DEPTHS.filter(depth => depth % 2 === 0),
    random
  )
  const relayer = startRelayer(['--mode=loop'], { ...scene.settings, PORT: '0' })
  const reached = byDepth(driver, DISTANCE)
  try {
    await driver.play(30)
    assert.ok(await scene.isTold({ reached }), relayer.output().slice(-2_000))
    for (const depth of depths) {
      await sleep(random() * MOMENT_MS)
      await driver.reorg(depth)
      await driver.play(2)
    }
    const what = `${depths.length} reorgs while it ran, 2 to 20 deep`
    const { reverts } = await scene.assertTold(t, { what, patienceMs: PATIENCE_MS, reached })
    assert.ok(reverts > 0, 'no told fact was dropped, so this shows nothing')
  } catch (error) {
    t.diagnostic(relayer.output().slice(-3_000))
    throw error
  } finally {
    await relayer.stop()
    await scene.close()
  }
})
