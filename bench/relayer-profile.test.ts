import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nameOf, partOf, selfTimes } from './relayer-profile.ts'

const here = new URL('.', import.meta.url).href
const node = (id: number, functionName: string, url = '') => ({ id, callFrame: { functionName, url, lineNumber: 9 } })
const profile = {
  nodes: [
    node(1, '(idle)'),
    node(2, 'read', `${here}x.ts`),
    node(3, 'read', `${here}x.ts`),
    node(4, 'hash', 'file:///elsewhere/node_modules/@scope/pkg/index.js'),
    node(5, '', `${here}y.ts`),
    node(6, 'emit', 'node:internal/streams/destroy'),
    node(7, '(garbage collector)')
  ],
  samples: [1, 2, 4, 3, 5, 6, 7],
  timeDeltas: [9_000, 2_000, 3_000, 3_000, 1_000, 500, 500]
}

test('self time by function, idling apart, from the longest', () => {
  assert.deepEqual(selfTimes(profile, nameOf), [
    { name: 'read  bench/x.ts:10', milliseconds: 5, share: 0.5 },
    { name: 'hash  @scope/pkg/index.js:10', milliseconds: 3, share: 0.3 },
    { name: '(anonymous)  bench/y.ts:10', milliseconds: 1, share: 0.1 },
    { name: 'emit  node:internal/streams/destroy:10', milliseconds: 0.5, share: 0.05 },
    { name: '(garbage collector)', milliseconds: 0.5, share: 0.05 }
  ])
})

test('by package, or folder of the project', () => {
  assert.deepEqual(
    selfTimes(profile, partOf).map(({ name, milliseconds }) => [name, milliseconds]),
    [
      ['bench', 6],
      ['@scope/pkg', 3],
      ['node:internal/streams', 0.5],
      ['(garbage collector)', 0.5]
    ]
  )
})
