import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runRelayer } from './relayer.ts'
import { createScene } from './scene.ts'

test('without its check for omissions the relayer loses facts, and these tests notice', async t => {
  const scene = await createScene({ salt: 70, settings: { OMISSION_CHECK: 'off' } })
  try {
    await scene.driver.play(20)
    scene.proxy.setMood(() => ['all_logs_left_out'])
    const { code, output } = await runRelayer(['--mode=tick'], scene.settings)
    assert.equal(code, 0, output.slice(-2_000))
    const { faults } = await scene.verdict(scene.driver.truth.levels)
    t.diagnostic(`${faults.lost.length} lost: ${faults.lost[0]}`)
    assert.ok(faults.lost.length > 0)
  } finally {
    await scene.close()
  }
})
