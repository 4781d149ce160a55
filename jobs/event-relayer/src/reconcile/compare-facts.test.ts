import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chainFact } from './chain-fixture.ts'
import { compareFacts, type HeldFact } from './compare-facts.ts'
import { type Finding, settle } from './finding.ts'

const fact = chainFact(1, 5)
const { fact_id, event_id, block_number, content_digest } = fact
const held: HeldFact = { fact_id, event_id, block_number, content_digest, counts: true }
const other = { ...held, fact_id: chainFact(2, 5).fact_id }
const rows: [what: string, held: HeldFact[], found: string[]][] = [
  ['held as it is', [held], []],
  ['not held', [], ['missing']],
  ['another body', [{ ...held, content_digest: '0'.repeat(64) }], ['altered']],
  ['another block', [{ ...held, block_number: 6 }], ['altered']],
  ['held as reverted', [{ ...held, counts: false }], ['missing']],
  ['held, but not as final', [{ ...held, event_id: null }], ['missing']],
  ['another body, as reverted', [{ ...held, block_number: 6, counts: false }], ['altered', 'missing']],
  ['one that the chain doesn’t have', [held, other], ['extra']],
  ['one that the chain gave up', [held, { ...other, counts: false }], []]
]
for (const [what, given, expected] of rows) {
  test(what, () => {
    const found = compareFacts({ chain: [fact], held: given, levels: 'every' })
    assert.deepEqual(
      found.map(({ kind }) => kind),
      expected
    )
    assert.ok(found.every(one => one.what === 'fact' && one.fact_id !== null))
  })
}

test('who is told of the first level only needn’t know of the last', () => {
  assert.deepEqual(compareFacts({ chain: [fact], held: [{ ...held, event_id: null }], levels: 'first' }), [])
})

test('what is gone after a repair is repaired; what stays, changes or comes is wrong', () => {
  const finding = (detail: string): Finding => {
    const [named] = compareFacts({ chain: [fact], held: [], levels: 'every' })
    assert.ok(named)
    return { ...named, service: 'settlement', detail }
  }
  const settled = settle([finding('gone'), finding('stays')], [finding('stays'), finding('comes')])
  assert.deepEqual(
    settled.map(({ detail, outcome }) => [detail, outcome]),
    [
      ['gone', 'repaired'],
      ['stays', 'wrong'],
      ['comes', 'wrong']
    ]
  )
})
