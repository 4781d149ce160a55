import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { PATIENCE_MS } from '@fusion-prime/local/testing/wait.ts'
import { type Relayer, runRelayer, startRelayer } from './relayer.ts'
import { createScene } from './scene.ts'

const ROUNDS = 6
const LEASE_SECONDS = 2
const MOMENT_MS = 700

test('two relayers at once, each frozen in turn for longer than its lease', { timeout: 900_000 }, async t => {
  const settings = { LEASE_SECONDS: String(LEASE_SECONDS) }
  const scene = await createScene({ salt: 8, settings })
  const { driver, random } = scene
  const relayers: Relayer[] = []
  try {
    await driver.play(20)
    for (let count = 0; count < 2; count++)
      relayers.push(startRelayer(['--mode=loop'], { ...scene.settings, PORT: '0' }))
    assert.ok(await scene.isTold(), relayers.map(one => one.output().slice(-2_000)).join('\n'))
    for (let round = 0; round < ROUNDS; round++) {
      const frozen = relayers[round % 2]
      await driver.play(3)
      await sleep(random() * MOMENT_MS)
      frozen?.kill('SIGSTOP')
      await driver.reorg(1 + Math.floor(random() * 6))
      await driver.play(2)
      await scene.assertTold(t, { what: `round ${round + 1}: one is frozen`, patienceMs: PATIENCE_MS })
      await sleep(random() * LEASE_SECONDS * 1_000)
      frozen?.kill('SIGCONT')
    }
    await driver.quiet(12)
    await scene.assertTold(t, { what: `${ROUNDS} freezes of one of two relayers`, patienceMs: PATIENCE_MS })
    for (const relayer of relayers) assert.equal(await Promise.race([relayer.ended, sleep(0, 'runs')]), 'runs')
    const tick = await runRelayer(['--mode=tick'], scene.settings)
    assert.equal(tick.code, 75, 'a tick beside a loop doesn’t say that the lease is held')
  } catch (error) {
    for (const relayer of relayers) t.diagnostic(relayer.output().slice(-3_000))
    throw error
  } finally {
    await Promise.all(relayers.map(one => one.stop()))
    await scene.close()
  }
})
