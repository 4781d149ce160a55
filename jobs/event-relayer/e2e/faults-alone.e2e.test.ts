import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { holds } from '@fusion-prime/local/testing/wait.ts'
import { type FaultName, faultNames, limits } from './faults.ts'
import { wellBehaved } from './proxy.ts'
import { type Relayer, startRelayer } from './relayer.ts'
import { assertFaultless, createScene, figuresOf, type Scene, seed } from './scene.ts'

/** How many relayers share the faults among them, each with a chain of its own. */
const LANES = 4
/** More than lie between the finalized block and the head, so that final ranges are read by number and the newest blocks by hash. */
const BLOCKS = 14
/** Polls under a fault that is not to be withstood. */
const SUFFERED_MS = 1_500

/** What limits a provider is learned, so that one hides the next: limits.e2e.test.ts; and the chain is asked for once, at the start. */
const elsewhere: ReadonlySet<FaultName> = new Set([...limits, 'other_chain'])

/** With these, one provider is enough to go on: what it says can be proven, asked in another way, or asked again. */
const withstood: ReadonlySet<FaultName> = new Set([
  'some_logs_left_out',
  'all_logs_left_out',
  'logs_of_a_stale_backend',
  'log_said_to_be_removed',
  'removed_log_added',
  'identical_duplicate',
  'logs_backwards',
  'addresses_limited',
  'receipts_unsupported',
  'batch_refused',
  'batch_answered_backwards'
])

const names = faultNames.filter(name => !elsewhere.has(name))

describe('with one provider that misbehaves in one way', { concurrency: LANES }, () => {
  for (let lane = 0; lane < LANES; lane++) {
    describe(`lane ${lane + 1}`, { concurrency: 1 }, () => {
      let scene: Scene
      let relayer: Relayer
      before(async () => {
        scene = await createScene({ salt: lane * 10 })
        await scene.driver.play(24)
        relayer = startRelayer(['--mode=loop'], { ...scene.settings, RPC_TIMEOUT_MS: '1500', PORT: '0' })
        assert.ok(await scene.isTold(), relayer.output().slice(-2_000))
      })
      after(async () => {
        await relayer?.stop()
        await scene?.close()
      })

      for (const name of names.filter((_, index) => index % LANES === lane)) {
        test(name, async t => {
          const { driver, proxy, verdict, isTold } = scene
          const tail = () => `RELAYER_SEED=${seed}\n${relayer.output().slice(-2_000)}`
          proxy.setMood(() => [name])
          await driver.play(BLOCKS)
          const fired = () => (proxy.fired.get(name) ?? 0) > 0
          assert.ok(await holds(fired), `it never came to that\n${tail()}`)
          const told = await isTold(withstood.has(name) ? {} : { patienceMs: SUFFERED_MS })
          assertFaultless(await verdict(), `while it lasts\n${tail()}`)
          assert.ok(told || !withstood.has(name), `it stops the relayer\n${tail()}`)
          proxy.setMood(wellBehaved)
          await isTold()
          const after = await verdict(driver.truth.levels)
          assertFaultless(after, `when it is over\n${tail()}`)
          t.diagnostic(`${name}: fired ${proxy.fired.get(name)} times, told meanwhile: ${told}; ${figuresOf(after)}`)
        })
      }
    })
  }
})
