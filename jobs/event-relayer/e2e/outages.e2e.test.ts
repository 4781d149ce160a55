import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { PATIENCE_MS } from '@fusion-prime/local/testing/wait.ts'
import { type LocalPostgres, startPostgres } from '../../../shared/local/src/postgres.ts'
import { type Relayer, startRelayer } from './relayer.ts'
import { createScene, type Scene } from './scene.ts'

/** Several polls. */
const AWAY_MS = 3_000

let postgres: LocalPostgres
let scene: Scene
let relayer: Relayer
before(async () => {
  postgres = await startPostgres({ databases: ['relayer'] })
  scene = await createScene({ salt: 3, databaseUrl: postgres.urls.relayer ?? '', settings: { LEASE_SECONDS: '2' } })
  await scene.driver.play(12)
  relayer = startRelayer(['--mode=loop'], { ...scene.settings, PORT: '0' })
  assert.ok(await scene.isTold(), relayer.output().slice(-2_000))
})
after(async () => {
  await relayer?.stop()
  await scene?.close()
  await postgres?.stop()
})

/** Lives go on while something is away and for a while after it is back. */
async function liveOn(): Promise<void> {
  await scene.driver.play(4)
  await sleep(AWAY_MS)
  await scene.driver.play(4)
}

async function hasGoneOn(): Promise<void> {
  const state = await Promise.race([relayer.ended, sleep(0, 'it runs')])
  assert.equal(state, 'it runs')
}

test('Postgres is killed, is away, and comes back', async t => {
  await postgres.kill()
  await liveOn()
  await postgres.restart()
  await scene.driver.play(2)
  await scene.assertTold(t, { what: 'Postgres away', patienceMs: PATIENCE_MS })
  await hasGoneOn()
})

test('Postgres is restarted in the midst of work', async t => {
  for (let count = 0; count < 3; count++) {
    await scene.driver.play(3)
    await sleep(scene.random() * 900)
    await postgres.restart()
  }
  await scene.assertTold(t, { what: 'Postgres restarted three times', patienceMs: PATIENCE_MS })
  await hasGoneOn()
})

test('the broker goes away and comes back', async t => {
  await scene.driver.play(3)
  await scene.stage.stopBroker()
  await liveOn()
  await scene.driver.reorg(4)
  await sleep(AWAY_MS)
  const before = (await scene.stage.published()).length
  await scene.stage.startBroker()
  await scene.assertTold(t, { what: 'the broker away, with a reorg meanwhile', patienceMs: PATIENCE_MS })
  assert.ok((await scene.stage.published()).length > before, 'nothing had to wait for it')
  await hasGoneOn()
})
