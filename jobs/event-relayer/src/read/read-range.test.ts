import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RpcLog } from '../proof/receipts.ts'
import type { BuiltBlock } from '../testing/blocks.ts'
import {
  approved,
  deployed,
  factory,
  fault,
  type Lie,
  modelChain,
  modelProvider,
  unknownEvent
} from './model-fixture.ts'
import {
  blocks,
  chain,
  child,
  expected,
  honest,
  later,
  logs,
  lying,
  old,
  placed,
  quiet,
  read,
  watchOld,
  withoutUnknown,
  wrong
} from './range-fixture.ts'
import { readRange } from './read-range.ts'

describe('an honest provider', () => {
  for (const check of ['receipts', 'second-provider', 'off'] as const) {
    for (const pinFrom of [0, 4, 100]) {
      test(`gives all logs of what is watched or born, checked by ${check}, pinned from block ${pinFrom}`, async () => {
        const found = await read([honest(), honest('2:honest')], { check, pinFrom })
        assert.deepEqual(placed(found), expected)
        assert.deepEqual(
          [...found.born],
          [
            [child, factory],
            [later, factory]
          ]
        )
        assert.deepEqual(found.findings, [])
        assert.deepEqual(
          found.headers.map(({ number }) => number),
          [1, 2, 3, 4, 5, 6, 7]
        )
        assert.ok(found.bytes > 0)
      })
    }
  }

  test('gives the same when it is asked by topics alone; an unknown event then comes from receipts', async () => {
    const provider = honest()
    const found = await read([provider], { maxAddresses: 1 })
    assert.equal(provider.calls.filter(({ method }) => method === 'eth_getLogs').length, 1)
    assert.deepEqual(placed(found), expected)
    assert.deepEqual(found.findings, [])
    assert.deepEqual(placed(await read([honest()], { maxAddresses: 1, check: 'off' })), withoutUnknown)
  })

  for (const check of ['receipts', 'second-provider', 'off'] as const) {
    test(`gives logs of a child whose block holds nothing else of ours, asked by topics near the tip, checked by ${check}`, async () => {
      for (const pinFrom of [0, 4, 6]) {
        const wanted = { maxAddresses: 1, pinFrom, check }
        const found = await read([honest(), honest('2:honest')], wanted)
        assert.deepEqual(placed(found), check === 'receipts' ? expected : withoutUnknown)
        assert.deepEqual(found.findings, [])
      }
    })
  }

  test('gives the same in any ranges', async () => {
    for (let split = 1; split < 7; split++) {
      const watch = watchOld()
      const first = await read([honest()], { range: [1, split], watch })
      for (const [escrow, of] of first.born) watch.add(escrow, of)
      const second = await read([honest()], { range: [split + 1, 7], watch })
      assert.deepEqual([...placed(first), ...placed(second)], expected, `split after ${split}`)
    }
  })

  test('a log of an address before it was deployed is none of ours', async () => {
    const chain = modelChain([quiet, [[approved(child)]], [[approved(child), deployed(child)]]])
    const parent = { number: 0, hash: chain[0]?.header.hash ?? '' }
    for (const maxAddresses of [1, 500]) {
      const { reader } = modelProvider({ chain })
      const wanted = { range: { from: 1, to: 2 }, parent, watch: watchOld(), pinFrom: 100, maxAddresses }
      const found = await readRange({ readers: [reader], check: 'receipts', ...wanted })
      assert.deepEqual(placed(found), [
        [2, 0, child],
        [2, 1, factory]
      ])
    }
  })

  test('isn’t asked about pinned blocks whose bloom excludes everything, nor for their receipts', async () => {
    const provider = honest()
    await read([provider], { pinFrom: 0 })
    const asked = provider.calls.filter(({ method }) => method !== 'eth_getBlockByNumber')
    const mentions = (block: BuiltBlock | undefined) =>
      asked.filter(({ params }) => JSON.stringify(params).includes(block?.header.hash ?? ''))
    assert.equal(mentions(chain[2]).length + mentions(chain[7]).length, 0)
    assert.equal(mentions(chain[1]).length, 2)
  })
})

describe('omissions', () => {
  const omitted = (found: {
    findings: { kind: string; provider: string; block_number: number; log_index?: number }[]
  }) => found.findings.map(({ kind, provider, block_number, log_index }) => [kind, provider, block_number, log_index])

  test('a stale node’s [] is put right from the receipts, children and all', async () => {
    for (const pinFrom of [0, 100])
      for (const maxAddresses of [1, 500]) {
        const found = await read([lying(logs(() => []))], { pinFrom, maxAddresses })
        assert.deepEqual(placed(found), expected)
        assert.deepEqual([...found.born.keys()], [child, later])
        assert.ok(
          omitted(found).some(([kind, provider, block]) => kind === 'omitted' && provider === '1:liar' && block === 1)
        )
      }
  })

  test('any one log that is left out is found, and told', async () => {
    for (const [block, index] of expected) {
      const isLeft = (log: RpcLog) => Number(log.blockNumber) !== block || Number(log.logIndex) !== index
      const found = await read([lying(logs(all => all.filter(isLeft)))])
      assert.deepEqual(placed(found), expected)
      const isDeployment = expected.some(([b, i, of]) => b === block && i === index && of === factory)
      assert.deepEqual(omitted(found), [['omitted', '1:liar', block, index]], isDeployment ? 'a deployment' : '')
    }
  })

  test('are found in what any other provider gives as receipts', async () => {
    const found = await read([
      lying({ ...logs(() => []), eth_getBlockReceipts: fault('give_up'), eth_getBlockByHash: fault('give_up') }),
      lying({ eth_getBlockReceipts: () => [] }, '2:forger'),
      honest('3:honest')
    ])
    assert.deepEqual(placed(found), expected)
    assert.ok(found.findings.some(({ kind, provider }) => kind === 'wrong_receipts' && provider === '2:forger'))
  })

  test('that nobody can prove are no success', async () => {
    const silent = { eth_getBlockReceipts: fault('rate_limited'), ...logs(() => []) }
    await assert.rejects(read([lying(silent), lying({ eth_getBlockReceipts: () => [] }, '2:forger')]), {
      name: 'RpcFault',
      advice: { kind: 'rate_limited' }
    })
    const forger = lying({ ...logs(() => []), eth_getBlockReceipts: () => [] })
    await assert.rejects(read([forger]), wrong('wrong_receipts'))
  })

  test('can’t be found by receipts where the header format is unknown', async () => {
    await assert.rejects(read([modelProvider({ chain, format: 'unknown' })]), { name: 'PermanentError' })
    const two = ['1:a', '2:b'].map(id => modelProvider({ chain, id, format: 'unknown' }))
    assert.deepEqual(placed(await read(two, { check: 'second-provider', pinFrom: 0 })), expected)
    const bloomless: Lie = ([at]) => ({ ...chain[Number(at)]?.header, logsBloom: `0x${'00'.repeat(256)}` })
    const provider = modelProvider({ chain, format: 'unknown', lies: { eth_getBlockByNumber: bloomless } })
    assert.deepEqual(placed(await read([provider], { check: 'off', pinFrom: 0 })), expected)
  })

  test('are not found without a check', async () => {
    assert.deepEqual(placed(await read([lying(logs(() => []))], { check: 'off' })), [])
  })
})

describe('inventions', () => {
  const block = (number: number) => chain[number]?.logs[0]
  const cases: Record<string, (logs: RpcLog[]) => unknown> = {
    'a log in a block whose bloom excludes it': logs => [...logs, { ...block(2), address: old }],
    'a log that the receipts lack': logs => [...logs, { ...block(1), logIndex: '0x9' }],
    'a log with other data': ([first, ...rest]) => [{ ...first, data: '0x01' }, ...rest],
    'a log of another transaction': ([first, ...rest]) => [
      { ...first, transactionHash: `0x${'12'.repeat(32)}` },
      ...rest
    ],
    'an unknown event where there is nothing': logs => [...logs, { ...block(2), ...unknownEvent(old) }]
  }
  for (const [name, change] of Object.entries(cases)) {
    test(`${name}: refused`, async () => {
      const isKnown = (log: RpcLog) => log.address === old || log.address === factory
      await assert.rejects(read([lying(logs(all => (all.some(isKnown) ? change(all) : all)))]), wrong('invented'))
    })
  }

  test('what the bloom excludes is refused although nobody gives receipts', async () => {
    const inventive = logs(all => [...all, { ...block(2), address: old }])
    const lies = { ...inventive, eth_getBlockReceipts: fault('give_up'), eth_getTransactionReceipt: fault('give_up') }
    await assert.rejects(read([lying(lies)], { range: [2, 2] }), wrong('invented'))
  })

  test('two different logs in one place are refused, two equal ones are one', async () => {
    const twice = (change: object) => logs(([first, ...rest]) => [first, { ...first, ...change }, ...rest])
    for (const check of ['receipts', 'off'] as const) {
      assert.deepEqual(placed(await read([lying(twice({}))], { check })), expected)
      await assert.rejects(read([lying(twice({ data: '0x01' }))], { check }), wrong('conflicting'))
    }
  })

  test('a log of another block is refused, also without a check; removed ones are left out', async () => {
    const moved = (change: object) => logs(([first, ...rest]) => [{ ...first, ...change }, ...rest])
    for (const pinFrom of [0, 100])
      for (const change of [{ blockHash: `0x${'12'.repeat(32)}` }, { blockNumber: '0x63' }])
        await assert.rejects(read([lying(moved(change))], { check: 'off', pinFrom }), wrong('wrong_block'))
    const removed = logs(all => all.map(log => ({ ...log, removed: true })))
    assert.deepEqual(placed(await read([lying(removed)], { check: 'off' })), [])
    assert.deepEqual(placed(await read([lying(removed)])), expected)
  })
})

describe('reorganisations', () => {
  const branch = modelChain(blocks, 'branch')

  test('a first block that doesn’t link to the block before is one', async () => {
    await assert.rejects(read([modelProvider({ chain: branch })], { range: [3, 5] }), { name: 'ChainMoved' })
  })

  test('a provider that goes on giving blocks that don’t link to each other answers wrongly', async () => {
    const torn = (from: number): Lie => {
      return ([at], truth) => (Number(at) < from ? truth() : branch[Number(at)]?.header)
    }
    for (const range of [
      [3, 5],
      [2, 5]
    ] as const)
      await assert.rejects(read([lying({ eth_getBlockByNumber: torn(3) })], { range: [...range] }), wrong('unlinked'))
    const parent = { number: -1, hash: `0x${'1'.repeat(64)}` }
    await assert.rejects(read([honest()], { range: [0, 5], parent }), wrong('unlinked'))
  })

  test('logs of a block that has taken the place of the one whose header was read are nobody’s fault', async () => {
    let moved = false
    const moving = lying({
      eth_getLogs: ([query]) => {
        moved = true
        return modelLogs(branch, query)
      },
      eth_getBlockByNumber: ([at], truth) => (moved ? branch[Number(at)]?.header : truth())
    })
    await assert.rejects(read([moving]), { name: 'ChainMoved' })
  })
})

const modelLogs = (of: readonly BuiltBlock[], query: unknown) => {
  // The reader builds the query.
  const { address } = query as { address: string[] }
  return of.flatMap(({ logs }) => logs.filter(log => address.includes(log.address)))
}
