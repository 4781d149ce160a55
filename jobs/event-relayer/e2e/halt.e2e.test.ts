import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { holds } from '@fusion-prime/local/testing/wait.ts'
import { freePorts } from '../../../shared/local/src/ports.ts'
import { runRelayer, startRelayer } from './relayer.ts'
import { byDepth, createScene, type Scene } from './scene.ts'
import type { Levels } from './truth.ts'

/** Polls in which a loop could crash. */
const WATCHED_MS = 3_000

const tick = (scene: Scene) => runRelayer(['--mode=tick'], scene.settings)

/** Ticks exit 1 with the way on, loop mode waits; answers the block from which to resume. */
async function haltedAt(t: TestContext, scene: Scene): Promise<string> {
  const before = await scene.stage.published()
  const first = await tick(scene)
  assert.equal(first.code, 1, first.output.slice(-2_000))
  const again = await tick(scene)
  assert.equal(again.code, 1, again.output.slice(-2_000))
  t.diagnostic(`a halted tick ended after ${again.milliseconds.toFixed(0)} ms`)
  const from = /--mode=resume --from-block[ =](\d+) --confirm/.exec(again.output)?.[1]
  assert.ok(from, `it doesn't say how to go on: ${again.output.slice(-2_000)}`)
  await staysUp(scene)
  assert.deepEqual(await scene.stage.published(), before, 'something was published meanwhile')
  return from
}

async function staysUp(scene: Scene): Promise<void> {
  const [port] = await freePorts(1)
  const relayer = startRelayer(['--mode=loop'], { ...scene.settings, PORT: String(port) })
  const health = async (check: string) =>
    (await fetch(`http://127.0.0.1:${port}/health/${check}`).catch(() => undefined))?.status
  try {
    const listens = await holds(async () => (await health('live')) === 200)
    assert.ok(listens, relayer.output().slice(-2_000))
    assert.ok(await holds(async () => (await health('ready')) === 503), 'it is ready')
    assert.equal(await Promise.race([relayer.ended, sleep(WATCHED_MS, 'it runs')]), 'it runs')
    assert.deepEqual([await health('live'), await health('ready')], [200, 503])
  } finally {
    await relayer.stop()
  }
}

/** Refuses without --confirm; with it everything is told as it is now. */
async function resume(t: TestContext, scene: Scene, { from, reached }: { from: string; reached?: () => Levels }) {
  const dry = await runRelayer(['--mode=resume', `--from-block=${from}`], scene.settings)
  assert.equal(dry.code, 1, 'it resumed without --confirm')
  assert.equal((await tick(scene)).code, 1, 'it relays without --confirm')
  const resumed = await runRelayer(['--mode=resume', '--from-block', from, '--confirm'], scene.settings)
  assert.equal(resumed.code, 0, resumed.output.slice(-2_000))
  const ticked = await tick(scene)
  assert.equal(ticked.code, 0, ticked.output.slice(-2_000))
  return scene.assertTold(t, { what: `resumed from block ${from}`, ...(reached && { reached }) })
}

const forcedReverts = async ({ stage }: Scene) =>
  (await stage.published()).filter(one => one.topic === 'escrow-events' && JSON.parse(one.data).forced === true).length

test('a reorg deeper than REORG_WINDOW halts until an operator resumes', async t => {
  const distance = { safe: 30, finalized: 40 }
  const settings = { FINALITY: `depth:${distance.safe},${distance.finalized}`, REORG_WINDOW: '5' }
  const scene = await createScene({ salt: 6, settings })
  const reached = byDepth(scene.driver, distance)
  try {
    await scene.driver.play(20)
    assert.equal((await tick(scene)).code, 0)
    await scene.driver.reorg(9)
    const from = await haltedAt(t, scene)
    const { reverts } = await resume(t, scene, { from, reached })
    assert.ok(reverts > 0, 'nothing was reverted')
  } finally {
    await scene.close()
  }
})

test('a reorg below what is final halts too; facts that were final are reverted by force', async t => {
  const scene = await createScene({ salt: 7 })
  try {
    await scene.driver.play(24)
    assert.equal((await tick(scene)).code, 0)
    await scene.driver.reorg(14)
    const from = await haltedAt(t, scene)
    await resume(t, scene, { from })
    const forced = await forcedReverts(scene)
    t.diagnostic(`${forced} forced reverts`)
    assert.ok(forced > 0, 'nothing was reverted by force')
    await scene.driver.quiet(10)
    assert.equal((await tick(scene)).code, 0)
    await scene.assertTold(t, { what: 'final after a forced revert' })
  } finally {
    await scene.close()
  }
})
