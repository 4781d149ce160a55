import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createWatchSet } from '../watch.ts'
import { address, fault, modelChain, modelProvider } from './model-fixture.ts'
import { blocks, expected, honest, logs, lying, placed, read, wrong } from './range-fixture.ts'

describe('a second provider', () => {
  const check = 'second-provider'
  const omitting = (id: string) =>
    lying(
      logs(all => all.slice(1)),
      id
    )

  test('that leaves something out is outvoted by a third, and told', async () => {
    const found = await read([honest('1:a'), omitting('2:b'), honest('3:c')], { check })
    assert.deepEqual(placed(found), expected)
    assert.deepEqual(
      found.findings.map(({ kind, provider, block_number, log_index }) => [kind, provider, block_number, log_index]),
      [['disagrees', '2:b', 1, 0]]
    )
  })

  test('that agrees with a third outvotes the first', async () => {
    await assert.rejects(read([omitting('1:a'), honest('2:b'), honest('3:c')], { check }), wrong('disagrees'))
    const branch = modelChain(blocks, 'branch')
    await assert.rejects(read([modelProvider({ chain: branch }), honest('2:b'), honest('3:c')], { check }), {
      name: 'RpcFault',
      advice: { kind: 'retry' },
      message: /1:model is on another branch than 2:b and 3:c/
    })
  })

  test('on another branch is one also where no block has a log', async () => {
    const branch = modelProvider({ chain: modelChain(blocks, 'branch') })
    const found = read([honest('1:a'), branch], { check, watch: createWatchSet({ factories: [address(0x999)] }) })
    await assert.rejects(found, /no two agree/)
  })

  test('that can’t answer, or stands on another branch, has no vote; without two that agree nothing is read', async () => {
    const down = lying({ eth_getLogs: fault('retry') }, '2:down')
    const elsewhere = modelProvider({ chain: modelChain(blocks, 'branch'), id: '3:elsewhere' })
    const broken = lying({ eth_getLogs: () => null }, '4:broken')
    const found = await read([honest('1:a'), down, elsewhere, broken, honest('5:b')], { check })
    assert.deepEqual(placed(found), expected)
    assert.deepEqual(
      found.findings.map(({ kind, provider }) => [kind, provider]),
      [['malformed', '4:broken']]
    )
    for (const others of [[], [down], [elsewhere], [omitting('2:b')]])
      await assert.rejects(read([honest('1:a'), ...others], { check }), /no two agree/)
  })
})
