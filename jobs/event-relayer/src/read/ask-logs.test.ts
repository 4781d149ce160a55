import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createLimits } from '../providers/limits.ts'
import { RpcFault } from '../providers/rpc.ts'
import { askLogs, askLogsOf } from './ask-logs.ts'
import { address, approved, type Lie, type LogQuery, modelChain, modelProvider } from './model-fixture.ts'
import { orderedLogs } from './order.ts'
import type { Reader } from './reader.ts'

const watched = Array.from({ length: 5 }, (_, tag) => address(0xe0 + tag))
const chain = modelChain(
  Array.from({ length: 24 }, (_, number) => [
    watched.filter((_, tag) => (number + tag) % 3 === 0).map(of => approved(of))
  ])
)
const range = { from: 0, to: 23 }
const filter = { addresses: watched }
const truth = await modelProvider({ chain }).reader.logs(range, filter)
const topic = truth[0]?.topics[0] ?? ''
/** Blocks and addresses of a query. */
const sizeOf = (query: unknown) => {
  // The reader builds the query.
  const { fromBlock, toBlock, address = [] } = query as LogQuery
  return {
    from: Number(fromBlock),
    to: Number(toBlock),
    blocks: Number(toBlock) - Number(fromBlock) + 1,
    addresses: address.length
  }
}
const provider = (eth_getLogs: Lie, max_blocks = 1000) => modelProvider({ chain, lies: { eth_getLogs }, max_blocks })
const split = (advice: object = {}): never => {
  throw new RpcFault('too much', { kind: 'split', ...advice })
}

test('whatever a provider allows and suggests, the logs are the same, each once', async () => {
  const limits = fc.record({
    blocks: fc.integer({ min: 1, max: 30 }),
    addresses: fc.integer({ min: 1, max: 6 }),
    results: fc.integer({ min: 2, max: 60 }),
    learned: fc.integer({ min: 1, max: 40 }),
    suggests: fc.constantFrom('nothing', 'range', 'count', 'nonsense')
  })
  await fc.assert(
    fc.asyncProperty(limits, async ({ blocks, addresses, results, learned, suggests }) => {
      const suggestion = (from: number) =>
        ({
          nothing: {},
          range: { suggested: { from, to: from + blocks - 1 } },
          count: { suggested: { max_blocks: blocks } },
          nonsense: { suggested: { from: from + 5, to: from - 5 } }
        })[suggests]
      const { reader } = provider(([query], honest) => {
        const asked = sizeOf(query)
        if (asked.addresses > addresses) return split({ shrink: 'addresses' })
        if (asked.blocks > blocks) return split(suggestion(asked.from))
        // The model answers logs.
        const logs = honest() as unknown[]
        return logs.length > results ? split() : logs
      }, learned)
      const logs = await askLogs(reader, { range, filter })
      assert.equal(logs.length, truth.length)
      assert.deepEqual(orderedLogs(logs), truth)
    }),
    { numRuns: 60 }
  )
})

describe('limits', () => {
  test('that are known are kept to, and what is learned is told', async () => {
    const { reader, calls, learned } = provider(
      ([query], honest) => (sizeOf(query).blocks > 6 ? split() : honest()),
      12
    )
    await askLogs(reader, { range, filter })
    assert.deepEqual(learned, [{ max_blocks: 6 }, { max_blocks: 6 }])
    assert.deepEqual(calls.map(({ params }) => sizeOf(params[0]).blocks).sort(), [12, 12, 6, 6, 6, 6].sort())
    const few = provider(([query], honest) => (sizeOf(query).addresses > 2 ? split({ shrink: 'addresses' }) : honest()))
    await askLogs(few.reader, { range, filter })
    assert.deepEqual(few.learned, [{ max_addresses: 3 }, { max_addresses: 2 }])
  })

  test('that leave nothing to narrow end in a fault that says so, never in no logs', async () => {
    const { reader } = provider(() => split())
    await assert.rejects(askLogs(reader, { range: { from: 3, to: 4 }, filter }), {
      name: 'RpcFault',
      advice: { kind: 'give_up' },
      message: /refuses the logs of block 3 for the one address .* \(too much\)/
    })
    await assert.rejects(askLogs(reader, { range, filter: { topics: [topic] } }), /block 0 for the one topic/)
  })
})

describe('a limit of addresses', () => {
  const [block] = chain.slice(3)
  assert.ok(block)
  const pinned = { number: Number(block.header.number), hash: block.header.hash }

  for (const [what, ask] of [
    ['ranges', (reader: Reader) => askLogs(reader, { range, filter })],
    ['single blocks', (reader: Reader) => askLogsOf(reader, { block: pinned, filter })]
  ] as const) {
    test(`is kept to by ${what}, and forgotten once more is taken`, async () => {
      let most = 2
      let refused = 0
      const { reader: plain } = provider(([query], honest) => {
        if (sizeOf(query).addresses <= most) return honest()
        refused++
        return split({ shrink: 'addresses' })
      })
      const reader = { ...plain, limits: createLimits(1000) }
      const logs = orderedLogs(await ask(reader))
      const refusals = refused
      assert.deepEqual(orderedLogs(await ask(reader)), logs)
      assert.equal(refused, refusals)
      most = 5
      for (let time = 0; time < 100; time++) assert.deepEqual(orderedLogs(await ask(reader)), logs)
      assert.ok(Number(reader.limits.max_addresses) >= 5, `max_addresses is ${reader.limits.max_addresses}`)
    })
  }
})

describe('timeouts', () => {
  const timeout = (): never => {
    throw new RpcFault('provider 1:model timed out after 10 s', { kind: 'retry' })
  }

  test('of large ranges make them smaller', async () => {
    const { reader, learned } = provider(([query], honest) => (sizeOf(query).blocks > 6 ? timeout() : honest()))
    assert.deepEqual(orderedLogs(await askLogs(reader, { range, filter })), truth)
    assert.deepEqual(learned, [{ max_blocks: 6 }])
  })

  test('that go on are the provider’s fault, after two', async () => {
    const { reader, calls } = provider(timeout)
    await assert.rejects(askLogs(reader, { range, filter }), /timed out/)
    assert.equal(calls.length, 2)
  })

  test('other faults are not narrowed', async () => {
    for (const kind of ['retry', 'rate_limited', 'give_up'] as const) {
      const { reader, calls } = provider(() => {
        throw new RpcFault(kind, { kind })
      })
      await assert.rejects(askLogs(reader, { range, filter }), { name: 'RpcFault', advice: { kind } })
      assert.equal(calls.length, 1)
    }
  })
})
