import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeLog, type Hex } from '@fusion-prime/chain'
import { type ChainPlan, FACTORY, factsUpTo, factTypesUpTo, plannedTransactions } from './relayer-chain.ts'

const plan: ChainPlan = { blocks: 12, every: 2, logsPerBlock: 10, escrows: 15 }
const logs = Array.from({ length: plan.blocks }, (_, index) =>
  plannedTransactions(plan, index + 1).flatMap(transaction => transaction.logs)
).flat()
// What is planned is hex.
const decoded = logs.map(log => ({ ...log, ...decodeLog({ topics: log.topics as Hex[], data: log.data as Hex }) }))

test('every log decodes; the types are those that are expected', () => {
  const counts = Map.groupBy(decoded, log => (log.kind === 'event' ? log.event : log.kind))
  assert.deepEqual(new Map([...counts].map(([type, of]) => [type, of.length])), factTypesUpTo(plan, plan.blocks))
  assert.deepEqual([...counts.keys()], ['EscrowDeployed', 'ApprovalGranted', 'EscrowReleased'])
  assert.equal(logs.length, 60)
})

test('every escrow is deployed by the factory, once, before it logs anything itself', () => {
  const escrows = new Set<string>()
  for (const log of decoded) {
    if (log.kind === 'event' && log.event === 'EscrowDeployed') {
      assert.equal(log.address, FACTORY)
      assert.ok(!escrows.has(log.args.escrow))
      escrows.add(log.args.escrow)
    } else assert.ok(escrows.has(log.address))
  }
  assert.equal(escrows.size, plan.escrows)
})

test('blocks between those with logs are empty; a transaction holds four logs at most', () => {
  assert.deepEqual(plannedTransactions(plan, 1), [])
  assert.deepEqual(
    plannedTransactions(plan, 2).map(transaction => transaction.logs.length),
    [4, 4, 2]
  )
  assert.deepEqual(
    [0, 1, 2, 3, 12].map(block => factsUpTo(plan, block)),
    [0, 0, 10, 10, 60]
  )
})
