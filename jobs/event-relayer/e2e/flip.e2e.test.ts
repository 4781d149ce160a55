import assert from 'node:assert/strict'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { PATIENCE_MS } from '@fusion-prime/local/testing/wait.ts'
import { createRandom } from '../../../e2e/crash-script.ts'
import { type Driver, forkDriver } from './driver.ts'
import { ask } from './json-rpc.ts'
import { runRelayer } from './relayer.ts'
import { byDepth, createScene, type Scene, seed } from './scene.ts'

/** Deeper than the branches. */
const DISTANCE = { safe: 30, finalized: 40 }
const COMMON = 12

/** A scene on node A, and a node B that shares its first blocks. */
async function withTwoNodes(salt: number, play: (scene: Scene, b: Driver) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'fusion-prime-flip-'))
  const stateFile = join(folder, 'a.json')
  const settings = { FINALITY: `depth:${DISTANCE.safe},${DISTANCE.finalized}` }
  const scene = await createScene({ salt, settings, stateFile })
  let b: Driver | undefined
  try {
    await scene.driver.play(COMMON)
    b = await forkNode(scene.driver, { stateFile, copy: join(folder, 'b.json') })
    await play(scene, b)
  } finally {
    await b?.stop()
    await scene.close()
    await rm(folder, { recursive: true })
  }
}

/** Waits until the state file, which is written every second, has the newest block. */
async function forkNode(a: Driver, { stateFile, copy }: { stateFile: string; copy: string }): Promise<Driver> {
  const head = a.truth.chain.length - 1
  for (const deadline = performance.now() + PATIENCE_MS; performance.now() < deadline; ) {
    await sleep(1_100)
    await copyFile(stateFile, copy)
    const b = await forkDriver(a, { random: createRandom(seed + 77), stateFile: copy }).catch(() => undefined)
    if (b && Number(await ask(b.rpcUrl, 'eth_blockNumber')) === head) return b
    await b?.stop()
  }
  throw new Error(`the node's state file had no block ${head}`)
}

type Flip = { blocks: number; broker?: 'there' | 'away' }

/** The proxy shows one node's branch from now on, with blocks that are new; the relayer ticks once. Answers what waits in the outbox. */
function createFlips({ proxy, settings }: Scene) {
  return async (to: Driver, { blocks, broker = 'there' }: Flip): Promise<number> => {
    await to.observe()
    await to.play(blocks)
    proxy.setNode(to.rpcUrl)
    const { code, output } = await runRelayer(['--mode=tick'], settings)
    const [, unpublished = '0'] = /"unpublished":([0-9]+),"message":"tick_done"/.exec(output) ?? []
    // What was drawn may have no event in its blocks; then nothing waits, and the tick is done.
    assert.equal(code, broker === 'away' && Number(unpublished) > 0 ? 75 : 0, output.slice(-2_000))
    return Number(unpublished)
  }
}

test('A, B, A, B, A: each is published before the next comes', async t => {
  await withTwoNodes(4, async (scene, b) => {
    const { driver: a } = scene
    const flip = createFlips(scene)
    await flip(a, { blocks: 4 })
    await flip(b, { blocks: 5 })
    await flip(a, { blocks: 3 })
    await flip(b, { blocks: 3 })
    await flip(a, { blocks: 3 })
    await a.quiet(DISTANCE.finalized + 1)
    await flip(a, { blocks: 0 })
    const { reverts, returned } = await scene.assertTold(t, {
      what: 'A, B, A, B, A, published each time',
      reached: byDepth(a, DISTANCE)
    })
    assert.ok(reverts > 0 && returned > 0, 'nothing went and came back')
    const facts = (await scene.stage.published()).filter(one => one.topic === 'escrow-events')
    const incarnations = new Set(facts.map(one => one.attributes.incarnation))
    assert.deepEqual(incarnations, new Set(['1', '2', '3']))
  })
})

test('A, B, A while the broker is away: all of it is published afterwards', { timeout: 600_000 }, async t => {
  await withTwoNodes(5, async (scene, b) => {
    const { driver: a, stage } = scene
    const flip = createFlips(scene)
    await flip(a, { blocks: 2 })
    await stage.stopBroker()
    const before = (await stage.published()).length
    await flip(a, { blocks: 3, broker: 'away' })
    await flip(b, { blocks: 7, broker: 'away' })
    assert.ok((await flip(a, { blocks: 5, broker: 'away' })) > 0, 'nothing waits for the broker')
    assert.equal((await stage.published()).length, before)
    await stage.startBroker()
    await flip(a, { blocks: 1 })
    await a.quiet(DISTANCE.finalized + 1)
    await flip(a, { blocks: 0 })
    const { reverts, returned } = await scene.assertTold(t, {
      what: 'A, B, A, published afterwards',
      reached: byDepth(a, DISTANCE)
    })
    assert.ok(reverts > 0 && returned > 0, 'nothing went and came back')
  })
})
