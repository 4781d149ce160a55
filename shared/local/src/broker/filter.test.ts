import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseFilter } from './filter.ts'

const matching: [filter: string, attributes: Record<string, string>, matches: boolean][] = [
  ['', {}, true],
  ['attributes.x = "v"', { x: 'v' }, true],
  ['attributes.x="v"', { x: 'V' }, false],
  ['attributes.x = "v"', {}, false],
  ['attributes.x != "v"', { x: 'w' }, true],
  ['attributes.x != "v"', { x: 'v' }, false],
  ['attributes.x != "v"', {}, true],
  ['attributes:x', { x: '' }, true],
  ['attributes:x', { y: 'x' }, false],
  ['attributes:toString', {}, false],
  ['attributes.constructor != "v"', {}, true],
  ['hasPrefix(attributes.x, "ab")', { x: 'abc' }, true],
  ['hasPrefix(attributes.x, "ab")', { x: 'a' }, false],
  ['hasPrefix(attributes.x, "ab")', {}, false],
  ['NOT attributes:x', {}, true],
  ['-attributes:x', { x: '1' }, false],
  ['NOT NOT attributes:x', { x: '1' }, true],
  ['NOT attributes:x AND attributes:y', { y: '1' }, true],
  ['NOT (attributes:x AND attributes:y)', { x: '1' }, true],
  ['attributes:x AND attributes:y', { x: '1' }, false],
  ['attributes:x OR attributes:y OR attributes:z', { z: '1' }, true],
  ['(attributes:x OR attributes:y) AND attributes:z', { x: '1', z: '1' }, true],
  ['(attributes:x OR attributes:y) AND attributes:z', { x: '1' }, false],
  ['attributes.first = "true" OR attributes.finality = "reverted"', { first: 'false', finality: 'reverted' }, true],
  ['attributes.first = "true" OR attributes.finality = "reverted"', { first: 'false', finality: 'safe' }, false],
  ['attributes.ce-type = "a.b"', { 'ce-type': 'a.b' }, true],
  ['attributes."iana.org/tag" = "en"', { 'iana.org/tag': 'en' }, true],
  ['attributes:"iana.org/tag"', { 'iana.org/tag': '' }, true],
  ['attributes.x = "say \\"AND\\""', { x: 'say "AND"' }, true],
  ['attributes.x = "\\u00e9\\x41\\101\\n\\\\"', { x: 'éAA\n\\' }, true],
  ['attributes.x = "a OR b"', { x: 'a OR b' }, true]
]

for (const [filter, attributes, matches] of matching) {
  test(`filter ${filter || '(none)'} ${matches ? 'lets through' : 'keeps out'} ${JSON.stringify(attributes)}`, () => {
    assert.equal(parseFilter(filter)(attributes), matches)
  })
}

const refused: [filter: string, reason: RegExp][] = [
  ['nonsense', /expected 'attributes' at character 1, found 'nonsense'/],
  ['attributes.x', /expected '=' or '!=' at character 13, found 'the end'/],
  ['attributes.x = v', /expected a string in double quotes/],
  ['attributes.x = "v', /can't read/],
  ['attributes.x == "v"', /expected a string/],
  ['attributes.x = "v" attributes:y', /expected the end, AND or OR at character 20/],
  ['attributes:x AND', /found 'the end'/],
  ['attributes:x and attributes:y', /expected the end, AND or OR/],
  ['attributes:x AND attributes:y OR attributes:z', /parentheses where AND and OR are mixed/],
  ['attributes:x OR attributes:y AND attributes:z', /parentheses where AND and OR are mixed/],
  ['(attributes:x', /expected '\)'/],
  ['hasPrefix(attributes.x)', /expected ','/],
  ['attributes.x = "\\q"', /unknown escape/],
  ['data = "x"', /expected 'attributes'/],
  [`attributes.x = "${'é'.repeat(121)}"`, /259 bytes: at most 256/]
]

for (const [filter, message] of refused) {
  test(`filter ${filter} is refused`, () => {
    assert.throws(() => parseFilter(filter), { status: 'INVALID_ARGUMENT', message })
  })
}

test('a filter of 256 bytes is taken', () => {
  const filter = `attributes.x = "${'v'.repeat(239)}"`
  assert.equal(Buffer.byteLength(filter), 256)
  assert.equal(parseFilter(filter)({ x: 'v'.repeat(239) }), true)
})
