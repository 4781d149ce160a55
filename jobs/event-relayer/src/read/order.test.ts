import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { bloomBits, bloomHas, parseBloom } from '../proof/bloom.ts'
import type { RpcLog } from '../proof/receipts.ts'
import { vectors } from '../proof/test-vectors.ts'
import { toHeader, toLog } from './fields.ts'
import { compareLogs, orderedLogs, strayLog } from './order.ts'

type Case = {
  id: string
  block: number
  filter: { address?: string; topics?: string[] }
  answer: RpcLog[]
  expect: {
    complete: boolean
    bloom?: 'possible' | 'impossible'
    missing?: string[]
    forged?: string[]
    wrong_block?: string[]
    duplicates?: number
  }
}

const cases: Case[] = JSON.parse(readFileSync(new URL('./test-vectors/get-logs-answers.json', import.meta.url), 'utf8'))
const MAINNET = 21_925_176
const receiptsOf = (block: number) =>
  block === MAINNET ? vectors.mainnet.receipts : vectors.blocks.find(({ id }) => id === block)?.receipts
const headerOf = (block: number) =>
  block === MAINNET ? vectors.mainnet.header : vectors.headers.find(({ id }) => id === block)

/** What is seen in an answer, in the words of the cases. */
function examine({ block, filter, answer }: Case): Case['expect'] {
  const [given, receipts] = [headerOf(block), receiptsOf(block)]
  assert.ok(given && receipts, `no block ${block}`)
  const header = toHeader(given)
  const bloom = parseBloom(header.logs_bloom)
  const items = [filter.address, filter.topics?.[0]].filter(item => item !== undefined)
  const isPossible = items.every(item => bloomHas(bloom, bloomBits(item)))
  const logs = answer.map(toLog)
  const stray = strayLog(logs, [header])
  if (stray) return { complete: false, wrong_block: [`0x${stray.log_index.toString(16)}`] }

  const ordered = orderedLogs(logs)
  const wanted = (log: RpcLog) =>
    filter.address ? log.address === filter.address : log.topics[0] === filter.topics?.[0]
  const proven = receipts
    .flatMap(receipt => receipt.logs)
    .filter(wanted)
    .map(toLog)
  const { missing, invented } = compareLogs({ given: ordered, proven: isPossible ? proven : [] })
  const indexes = (found: { log_index: number }[]) => found.map(({ log_index }) => `0x${log_index.toString(16)}`)
  return {
    complete: missing.length + invented.length === 0,
    bloom: isPossible ? 'possible' : 'impossible',
    missing: indexes(missing),
    forged: indexes(invented),
    duplicates: logs.length - ordered.length
  }
}

describe('recorded answers', () => {
  assert.equal(cases.length, 269)
  for (const one of cases) {
    const { id, expect } = one
    test(`${id} is ${expect.complete ? 'complete' : 'found out'}`, () => {
      const seen = examine(one)
      assert.equal(seen.complete, expect.complete)
      assert.deepEqual(seen.wrong_block ?? [], expect.wrong_block ?? [])
      if (seen.wrong_block) return
      assert.deepEqual(seen.missing, expect.missing ?? [])
      assert.deepEqual(seen.forged, expect.forged ?? [])
      assert.equal(seen.duplicates, expect.duplicates ?? 0)
      if (expect.bloom) assert.equal(seen.bloom, expect.bloom)
    })
  }
})

const hash = (tag: number) => `0x${tag.toString(16).padStart(64, '0')}`
const log = (block_number: number, log_index: number, data: `0x${string}` = '0x') => ({
  ...{ block_number, log_index, data },
  block_hash: hash(block_number),
  transaction_hash: hash(1000 + log_index),
  address: `0x${'a'.repeat(40)}` as const,
  topics: []
})

test('logs come in chain order, identical doubles once; what contradicts is refused', () => {
  const ordered = orderedLogs([log(6, 0), log(5, 2), log(5, 1), log(5, 2), log(5, 2)])
  assert.deepEqual(
    ordered.map(one => [one.block_number, one.log_index]),
    [
      [5, 1],
      [5, 2],
      [6, 0]
    ]
  )
  assert.throws(() => orderedLogs([log(5, 1), log(6, 0), log(5, 1, '0x01')]), {
    name: 'WrongAnswer',
    kind: 'conflicting'
  })
  assert.throws(() => orderedLogs([log(5, 1), { ...log(5, 1), transaction_hash: hash(1) }]), { kind: 'conflicting' })
})

test('a log must be of one of the blocks, by number and by hash', () => {
  const blocks = [5, 6].map(number => ({ number, hash: hash(number) }))
  assert.equal(strayLog([log(5, 0), log(6, 9)], blocks), undefined)
  for (const stray of [log(7, 0), log(4, 0), { ...log(5, 0), block_hash: hash(6) }, { ...log(5, 0), block_number: 6 }])
    assert.equal(strayLog([log(5, 0), stray], blocks), stray)
})
