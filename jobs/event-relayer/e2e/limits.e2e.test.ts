import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { limits } from './faults.ts'
import { judge } from './judge.ts'
import { runRelayer } from './relayer.ts'
import { assertFaultless, createScene, figuresOf, type Scene, seed } from './scene.ts'
import { createStage } from './stage.ts'

const BLOCKS = 40

describe('a limit on ranges or answers that is met while catching up', { concurrency: 2 }, () => {
  let scene: Scene
  before(async () => {
    scene = await createScene({ salt: 50 })
    await scene.driver.play(BLOCKS)
    // Each limit has a provider of its own, since what is learned of one would hide the next.
    scene.proxy.setMood(provider => limits.slice(provider, provider + 1))
  })
  after(() => scene?.close())

  for (const [provider, name] of limits.entries()) {
    test(name, async t => {
      const { driver, proxy } = scene
      const stage = await createStage()
      try {
        const settings = { ...scene.settings, ...stage.settings, RPC_URLS: proxy.url(provider) }
        const { code, output } = await runRelayer(['--mode=tick'], settings)
        assert.equal(code, 0, output.slice(-2_000))
        const verdict = judge(driver.truth, { published: await stage.published(), reached: driver.truth.levels })
        const fired = proxy.fired.get(name) ?? 0
        t.diagnostic(`${name}: fired ${fired} times in one tick; ${figuresOf(verdict)}`)
        assertFaultless(verdict, `RELAYER_SEED=${seed}`)
        assert.ok(fired > 0, 'it never came to that')
      } finally {
        await stage.close()
      }
    })
  }
})
