import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { openJournal } from './journal.ts'
import type { Message } from './message.ts'

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'journal-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

const message = (id: string): Message => ({
  id,
  publishTime: 1_767_225_600_000,
  orderingKey: 'é key',
  attributes: { a: '1', __proto: 'x' },
  data: Buffer.from([0, 255, 10, 13, Number(id) % 256])
})

test('what was published and not settled comes back as it was, once, by subscription', async t => {
  const path = directory(t)
  const first = await openJournal(path)
  first.published(['1', '2', '3'].map(id => ({ message: message(id), subscriptions: ['x', 'y'] })))
  first.settled('x', '2')
  first.settled('y', '1')
  first.close()
  const second = await openJournal(path)
  assert.deepEqual(second.recover('x'), [message('1'), message('3')])
  assert.deepEqual(second.recover('x'), [])
  second.settled('x', '1')
  second.close()
  const third = await openJournal(path)
  assert.deepEqual(third.recover('x'), [message('3')])
  assert.deepEqual(third.recover('y'), [message('2'), message('3')])
  third.close()
})

test('opening leaves only what is not settled in the file', async t => {
  const path = directory(t)
  const journal = await openJournal(path)
  for (let id = 0; id < 100; id++) {
    journal.published([{ message: message(`${id}`), subscriptions: ['x', 'gone'] }])
    if (id !== 42) journal.settled('x', `${id}`)
  }
  journal.dropped('gone')
  journal.published([{ message: message('100'), subscriptions: [] }])
  journal.close()
  const reopened = await openJournal(path)
  reopened.close()
  const lines = readFileSync(join(path, 'journal.jsonl'), 'utf8').trim().split('\n')
  assert.equal(lines.length, 1)
  assert.equal(JSON.parse(lines[0] ?? '').id, '42')
})

test('a settlement reaches the file without a further publish', async t => {
  const path = directory(t)
  const journal = await openJournal(path)
  journal.published([{ message: message('1'), subscriptions: ['x'] }])
  journal.settled('x', '1')
  await setImmediate()
  await setImmediate()
  assert.match(readFileSync(join(path, 'journal.jsonl'), 'utf8'), /"settle"/)
  journal.close()
})

test('a torn last line is forgotten, a broken line before others is refused', async t => {
  const path = directory(t)
  const journal = await openJournal(path)
  journal.published([{ message: message('1'), subscriptions: ['x'] }])
  journal.close()
  appendFileSync(join(path, 'journal.jsonl'), '{"op":"publish","to":["x"],"id":"2","da')
  const reopened = await openJournal(path)
  assert.deepEqual(reopened.recover('x'), [message('1')])
  reopened.close()
  appendFileSync(join(path, 'journal.jsonl'), 'nonsense\n{"op":"settle","of":"x","id":"1"}\n')
  await assert.rejects(openJournal(path), /line 2 is broken/)
})
