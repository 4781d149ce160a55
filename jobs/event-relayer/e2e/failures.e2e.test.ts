import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { runRelayer } from './relayer.ts'
import { createScene, type Scene } from './scene.ts'
import type { Settings } from './stage.ts'

const SECRET = 'hunter2secret'
const NOBODY = '0x00000000000000000000000000000000000000aa'
/** Generous: other tests have the cores too. The real time is printed. */
const END_MS = 30_000

type Case = {
  what: string
  settings(scene: Scene): Settings
  /** What it has to name: settings and values. */
  names: readonly string[]
  modes: readonly ('tick' | 'loop')[]
}

const cases: Case[] = [
  {
    what: 'a wrong CHAIN_ID',
    settings: () => ({ CHAIN_ID: '1' }),
    names: ['CHAIN_ID', '31337'],
    modes: ['tick', 'loop']
  },
  {
    what: 'a CHAIN_ID that nobody knows',
    settings: () => ({ CHAIN_ID: '123456789' }),
    names: ['CHAIN_ID', '123456789'],
    modes: ['tick']
  },
  {
    what: 'a factory without code',
    settings: () => ({ ESCROW_FACTORIES: NOBODY }),
    names: ['ESCROW_FACTORIES', NOBODY],
    modes: ['tick', 'loop']
  },
  {
    what: 'no START_BLOCK and no checkpoint',
    settings: () => ({ START_BLOCK: '' }),
    names: ['START_BLOCK'],
    modes: ['tick', 'loop']
  },
  {
    what: 'a malformed URL with a password in it',
    settings: () => ({ RPC_URLS: `htp://user:${SECRET}@node.example/v2/${SECRET}` }),
    names: ['RPC_URLS'],
    modes: ['tick', 'loop']
  },
  {
    what: 'a second URL that is malformed',
    settings: ({ proxy }) => ({ RPC_URLS: `${proxy.url(0)},https://user:${SECRET}@[node/${SECRET}` }),
    names: ['RPC_URLS'],
    modes: ['tick']
  },
  {
    what: 'several settings that are missing or malformed',
    settings: () => ({
      DATABASE_URL: `mysql://user:${SECRET}@127.0.0.1/relayer`,
      ESCROW_FACTORIES: '0x12',
      GOOGLE_CLOUD_PROJECT: ''
    }),
    names: ['DATABASE_URL', 'ESCROW_FACTORIES', 'GOOGLE_CLOUD_PROJECT'],
    modes: ['tick']
  },
  {
    what: 'a FINALITY that is turned round',
    settings: () => ({ FINALITY: 'depth:20,10' }),
    names: ['FINALITY', 'depth:20,10'],
    modes: ['tick']
  },
  {
    what: 'a second provider that isn’t there',
    settings: () => ({ OMISSION_CHECK: 'second-provider' }),
    names: ['OMISSION_CHECK', 'RPC_URLS'],
    modes: ['tick']
  }
]

describe('settings that can’t work end it at once, with exit code 1 and their names', { concurrency: 2 }, () => {
  let scene: Scene
  before(async () => {
    scene = await createScene({ salt: 9 })
    await scene.driver.play(3)
    scene.proxy.setMood(provider => (provider === 1 ? ['other_chain'] : []))
  })
  after(() => scene?.close())

  for (const { what, settings, names, modes } of cases) {
    for (const mode of modes) {
      test(`${what}, --mode=${mode}`, async t => {
        const env = { ...scene.settings, PORT: '0', ...settings(scene) }
        const { code, output, milliseconds } = await runRelayer([`--mode=${mode}`], env)
        t.diagnostic(`${what}, --mode=${mode}: ${milliseconds.toFixed(0)} ms`)
        assert.equal(code, 1, output)
        for (const name of names) assert.ok(output.includes(name), `it doesn't name ${name}: ${output}`)
        assert.ok(!output.includes(SECRET), 'it shows the password')
        assert.ok(milliseconds < END_MS, 'it took too long')
      })
    }
  }

  for (const wrong of ['--bogus', '--mode', 'tick']) {
    test(`the argument ${wrong}`, async () => {
      const { code, output } = await runRelayer([wrong], scene.settings)
      assert.equal(code, 1, output)
      assert.ok(output.includes(wrong), output)
    })
  }

  test('one of two providers serves another chain', async t => {
    const settings = { ...scene.settings, RPC_URLS: `${scene.proxy.url(0)},${scene.proxy.url(1)}` }
    const { code, output } = await runRelayer(['--mode=tick'], settings)
    t.diagnostic(`exit code ${code}`)
    assert.equal(code, 1, output)
    for (const name of ['CHAIN_ID', 'RPC_URLS']) assert.ok(output.includes(name), output)
  })

  test('a provider that is away is worth another try, and its password isn’t shown', async () => {
    const settings = { ...scene.settings, RPC_URLS: `http://user:${SECRET}@127.0.0.1:9/${SECRET}?key=${SECRET}` }
    const { code, output } = await runRelayer(['--mode=tick'], settings)
    assert.equal(code, 75, output)
    assert.ok(!output.includes(SECRET), output)
  })
})
