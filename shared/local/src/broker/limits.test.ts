import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkMessages, checkName } from './limits.ts'

const data = Buffer.from('x')
const attributes = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`key-${index}`, '']))

const messages: [name: string, fields: object, refusal: RegExp | null][] = [
  ['data alone', { data }, null],
  ['an attribute alone', { attributes: { a: '' } }, null],
  ['nothing', {}, /needs data or at least one attribute/],
  ['100 attributes', { attributes: attributes(100) }, null],
  ['101 attributes', { attributes: attributes(101) }, /101 attributes: at most 100/],
  ['a key of 256 bytes', { attributes: { ['é'.repeat(128)]: '' } }, null],
  ['a key of 258 bytes', { attributes: { ['é'.repeat(129)]: '' } }, /key of 258 bytes: at most 256/],
  ['an empty key', { attributes: { '': 'x' } }, /empty key/],
  ['a value of 1,024 bytes', { attributes: { a: 'é'.repeat(512) } }, null],
  ['a value of 1,026 bytes', { attributes: { a: 'é'.repeat(513) } }, /'a' has 1026 bytes: at most 1024/],
  ['a reserved key', { attributes: { goog: 'x' } }, /'goog' begins with 'goog'/],
  ['a key of the client library', { attributes: { googclient_traceparent: 'x' } }, null],
  ['an ordering key of 1,025 bytes', { data, orderingKey: 'k'.repeat(1025) }, /Ordering key of 1025 bytes/],
  ['10 MB', { data: Buffer.alloc(10_000_000) }, null],
  ['more than 10 MB', { data: Buffer.alloc(10_000_001) }, /10000001 bytes: at most 10000000/]
]

for (const [name, fields, message] of messages) {
  test(`a message with ${name} is ${message ? 'refused' : 'published'}`, () => {
    const check = () => checkMessages([{ data: Buffer.alloc(0), attributes: {}, orderingKey: '', ...fields }])
    if (message) assert.throws(check, { status: 'INVALID_ARGUMENT', message })
    else check()
  })
}

test('a publish has 1 to 1,000 messages', () => {
  const many = (count: number) => Array.from({ length: count }, () => ({ data, attributes: {}, orderingKey: '' }))
  checkMessages(many(1000))
  assert.throws(() => checkMessages(many(0)), { status: 'INVALID_ARGUMENT' })
  assert.throws(() => checkMessages(many(1001)), { status: 'INVALID_ARGUMENT' })
})

const names: [name: string, kind: 'topics' | 'subscriptions', good: boolean][] = [
  ['projects/p/topics/abc', 'topics', true],
  ['projects/p/topics/settlement.events.v1', 'topics', true],
  [`projects/p/topics/a${'b'.repeat(254)}`, 'topics', true],
  [`projects/p/topics/a${'b'.repeat(255)}`, 'topics', false],
  ['projects/p/topics/ab', 'topics', false],
  ['projects/p/topics/1abc', 'topics', false],
  ['projects/p/topics/googol', 'topics', false],
  ['projects/p/topics/a/b', 'topics', false],
  ['projects/p/subscriptions/abc', 'topics', false],
  ['projects/p/subscriptions/abc', 'subscriptions', true],
  ['abc', 'subscriptions', false]
]

for (const [name, kind, good] of names) {
  test(`${name.slice(0, 40)} is ${good ? 'a' : 'no'} name for ${kind}`, () => {
    if (good) checkName(name, kind)
    else assert.throws(() => checkName(name, kind), { status: 'INVALID_ARGUMENT' })
  })
}
