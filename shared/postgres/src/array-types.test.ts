import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseArray, serializeArray } from './array-types.ts'

const text = (item: string) => item

test('reads what the server writes', () => {
  const cases: [string, unknown[]][] = [
    ['{}', []],
    ['{a,b}', ['a', 'b']],
    ['{NULL,"NULL",null}', [null, 'NULL', 'null']],
    ['{"a\\"b\\\\c","{x,y}",""}', ['a"b\\c', '{x,y}', '']],
    [
      '{{1,2},{3,4}}',
      [
        ['1', '2'],
        ['3', '4']
      ]
    ],
    ['[0:1]={7,8}', ['7', '8']]
  ]
  for (const [written, read] of cases) assert.deepEqual(parseArray(written, text), read, written)
  assert.deepEqual(parseArray('{1,2}', Number), [1, 2])
})

test('reads back what it writes', () => {
  const item = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constant(null),
    fc.constantFrom('null', 'NULL', '', '"', '\\', '{', ',', '\n')
  )
  fc.assert(
    fc.property(fc.array(item), items => {
      const written = serializeArray(items, String)
      // An unquoted null is null for the server, in any case; it writes NULL itself.
      assert.deepEqual(parseArray(written.replace(/(?<=^\{|,)null(?=[,}])/g, 'NULL'), text), items)
    })
  )
})
