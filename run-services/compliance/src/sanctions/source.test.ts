import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog } from '@fusion-prime/runtime'
import { createSanctionsSource } from './source.ts'

const entry = { address: `0x${'ab'.repeat(20)}`, chain: 'ETH', list: 'OFAC SDN' }
const file = (version: string, as_of: string) => JSON.stringify({ version, as_of, addresses: [entry], names: [] })

/** A source whose file and clock the test moves. */
function setUp() {
  const world = { text: '', now: new Date('2026-01-31T12:00:00Z'), reads: 0, fails: false }
  const messages: string[] = []
  const log = createLog('test', { write: line => void messages.push(JSON.parse(line).message) })
  const read = async () => {
    world.reads += 1
    if (world.fails) throw new Error('no answer')
    return world.text
  }
  return { world, messages, source: createSanctionsSource({ read, maxAgeHours: 24, now: () => world.now, log }) }
}

test('before the first reading there is no list, and the status says so', () => {
  const { source } = setUp()
  assert.equal(source.current(), undefined)
  const status = { usable: false, reason: 'the list was not read yet', version: null, as_of: null }
  assert.deepEqual(source.status(), status)
})

test('a file that can’t be read or is broken gives no list', async () => {
  const { world, source, messages } = setUp()
  world.fails = true
  await source.refresh()
  assert.deepEqual([source.current(), source.status().reason], [undefined, 'the list can’t be read'])
  world.fails = false
  await source.refresh()
  assert.deepEqual([source.current(), source.status().reason], [undefined, 'the list is broken'])
  const told = ['sanctions_list_refused', 'sanctions_list_unusable']
  assert.deepEqual(messages, [...told, ...told])
})

test('a broken newer file leaves the last good one in force until it is too old', async () => {
  const { world, source } = setUp()
  world.text = file('1', '2026-01-31T00:00:00Z')
  await source.refresh()
  assert.deepEqual([source.current()?.version, source.status().reason], ['1', null])
  world.text = '{'
  await source.refresh()
  assert.deepEqual([source.current()?.version, source.status().reason], ['1', 'the list is broken'])
  world.now = new Date('2026-02-01T00:00:01Z')
  assert.equal(source.current(), undefined)
  const status = {
    usable: false,
    reason: 'the list is older than 24 h',
    version: '1',
    as_of: '2026-01-31T00:00:00.000Z'
  }
  assert.deepEqual(source.status(), status)
  world.text = file('2', '2026-02-01T00:00:00Z')
  await source.refresh()
  assert.deepEqual([source.current()?.version, source.status().reason], ['2', null])
})

test('a new version is told once', async () => {
  const { world, source, messages } = setUp()
  world.text = file('1', '2026-01-31T12:00:00Z')
  await source.refresh()
  await source.refresh()
  assert.deepEqual(messages, ['sanctions_list_loaded'])
})

test('a list that lost most of its entries is refused at first, and taken when the next reading finds the same', async () => {
  const { world, source, messages } = setUp()
  const names = Array.from({ length: 200 }, (_, index) => ({ name: `name ${index}`, list: 'EU' }))
  const common = { as_of: '2026-01-31T12:00:00Z', addresses: [entry] }
  world.text = JSON.stringify({ ...common, version: '1', names })
  await source.refresh()
  const shrink = async (version: string, left: number) => {
    world.text = JSON.stringify({ ...common, version, names: names.slice(0, left) })
    await source.refresh()
    return [source.current()?.version, source.status().reason]
  }
  assert.deepEqual(await shrink('2', 50), ['1', 'the list is broken'])
  assert.deepEqual(await shrink('2', 49), ['1', 'the list is broken'], 'a file that is still being written')
  assert.deepEqual(await shrink('2', 49), ['2', null])
  assert.ok(messages.includes('sanctions_list_shrunk'))
})

test('readings never overlap; keepFresh reads at once and until it is stopped', async () => {
  const { world, source } = setUp()
  world.text = file('1', '2026-01-31T12:00:00Z')
  await Promise.all([source.refresh(), source.refresh()])
  assert.equal(world.reads, 1)
  const stop = source.keepFresh(1)
  await source.refresh()
  assert.equal(world.reads, 2)
  stop()
})
