import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Range } from '../chain.ts'
import { manifestOf, partOf } from './chain-fixture.ts'
import { createManifestCheck, type Manifest } from './manifest-check.ts'

const whole = { from: 1, to: 12 }
const tiling = [manifestOf({ from: 1, to: 4 }), manifestOf({ from: 5, to: 9 }), manifestOf({ from: 10, to: 12 })]
const [first, second, third] = tiling as [Manifest, Manifest, Manifest] // as many as above

type Given = {
  settlement?: Manifest[]
  compliance?: Manifest[]
  parts?: Range[]
  range?: Range
  mayChangeFrom?: number
}

/** What is found, in short, and which blocks' manifests are to come again. */
function check({ settlement = tiling, compliance = tiling, parts = [whole], range = whole, mayChangeFrom }: Given) {
  const made = createManifestCheck({ ...range, mayChangeFrom })
  const [found, again] = [[] as string[], [] as number[]]
  for (const part of parts) {
    made.next(partOf(part))
    const touching = (all: Manifest[]) => all.filter(one => one.to_block >= part.from && one.from_block <= part.to)
    const copies = [
      { service: 'settlement', manifests: touching(settlement) },
      { service: 'compliance', manifests: touching(compliance) }
    ] as const
    made.compare([]) // copies that arrive late
    const stated = made.compare(copies)
    found.push(...stated.findings.map(({ service, kind, block_number }) => `${service} ${kind} ${block_number}`))
    again.push(...stated.again.map(({ from_block }) => from_block))
  }
  found.push(...made.gaps().map(({ kind, block_number }) => `nobody ${kind} ${block_number}`))
  return { found, again }
}

const right = { found: [], again: [] }
const small = [1, 4, 7, 10].map(from => ({ from, to: from + 2 }))
const altered = { ...second, count: second.count + 1 }
const rows: [what: string, given: Given, expected: ReturnType<typeof check>][] = [
  ['all as the chain gives it', {}, right],
  ['parts that don’t end where manifests do', { parts: small }, right],
  ['one service lacks one', { compliance: [first, third] }, { found: ['compliance missing 5'], again: [5] }],
  [
    'the same, in small parts',
    { compliance: [first, third], parts: small },
    { found: ['compliance missing 5'], again: [5] }
  ],
  [
    'a count was altered at one',
    { settlement: [first, altered, third] },
    { found: ['settlement altered 5'], again: [] }
  ],
  [
    'a digest was altered at one, another lacks it',
    { settlement: [first, { ...second, digest: first.digest }, third], compliance: [first, third] },
    { found: ['settlement altered 5', 'compliance missing 5', 'nobody missing 5'], again: [] }
  ],
  [
    'nobody has one',
    { settlement: [first, third], compliance: [first, third] },
    { found: ['nobody missing 5'], again: [] }
  ],
  [
    'nobody has the last',
    { settlement: [first, second], compliance: [first, second] },
    { found: ['nobody missing 10'], again: [] }
  ],
  [
    'one whose last block left the chain',
    { settlement: [first, manifestOf({ from: 5, to: 11 }, { to_hash: `0x${'0'.repeat(64)}` }), second, third] },
    right
  ],
  [
    'one whose last block left the chain, and nothing in its place',
    { settlement: [first, third, { ...second, to_hash: `0x${'0'.repeat(64)}` }], compliance: [first, third] },
    { found: ['nobody missing 5'], again: [] }
  ],
  [
    'a newer revision that one lacks',
    {
      settlement: [first, { ...altered, event_id: 'old' }, manifestOf({ from: 5, to: 9 }, { revision: 2 }), third],
      compliance: [first, { ...altered, event_id: 'old' }, third]
    },
    { found: ['compliance missing 5'], again: [5] }
  ],
  [
    'overlapping ones after an operator’s resume',
    {
      settlement: [...tiling, manifestOf({ from: 1, to: 12 })],
      compliance: [...tiling, manifestOf({ from: 1, to: 12 })],
      parts: small
    },
    right
  ],
  [
    'those that reach beyond the range aren’t judged',
    { range: { from: 3, to: 12 }, parts: [{ from: 3, to: 12 }] },
    right
  ],
  ['those that a lane will change aren’t judged', { settlement: [first, altered, third], mayChangeFrom: 6 }, right]
]
for (const [what, given, expected] of rows) test(what, () => assert.deepEqual(check(given), expected))
