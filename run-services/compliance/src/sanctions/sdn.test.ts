import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { createLog } from '@fusion-prime/runtime'
import { parseSanctionsList } from './list.ts'
import { convertSdn, parseSdn, parseSdnRow, type SdnEntry } from './sdn.ts'
import { createSanctionsSource } from './source.ts'

type Row = Omit<SdnEntry, 'aliases'> & { raw: string }
type File = { id: string; format: string; text: string; rows?: number; expect: 'ok' | 'error' | 'review' }

const vectors = (name: string) => readFile(new URL(`../../test-vectors/${name}`, import.meta.url), 'utf8')
const { cases: rows }: { cases: Row[] } = JSON.parse(await vectors('sdn-rows.json'))
const { cases: files }: { cases: File[] } = JSON.parse(await vectors('invalid-files.json'))

test('every row gives its name, programs and addresses', () => {
  assert.ok(rows.length >= 160)
  for (const { raw, ...expected } of rows) {
    const { aliases: _, ...entry } = parseSdnRow(raw.trim())
    assert.deepEqual(entry, expected)
  }
})

const now = new Date('2026-01-31T12:00:00Z')
const convert = (text: string) => convertSdn(text, { version: '1', asOf: now })

for (const { id, text, rows: count, expect } of files) {
  if (expect === 'error') {
    test(`broken file: ${id}`, () => {
      assert.throws(() => parseSanctionsList(convert(text)), /^Error: /)
    })
  } else if (expect === 'ok') {
    test(`good file: ${id}`, () => {
      const entries = parseSdn(text)
      assert.equal(new Set(entries.map(entry => entry.id)).size, entries.length)
      if (count !== undefined) assert.equal(entries.length, id === 'duplicate-rows' ? 1 : count)
      assert.ok(parseSanctionsList(convert(text)).addresses.size > 0)
    })
  } else {
    test(`for review: ${id} leaves the larger list in force and says so`, async () => {
      let current = rows.map(row => row.raw.trim()).join('\r\n')
      const lines: string[] = []
      const log = createLog('test', { write: line => void lines.push(line) })
      const versions = ['1', '2']
      const read = async () => convertSdn(current, { version: versions.shift() ?? '', asOf: now })
      const source = createSanctionsSource({ read, maxAgeHours: 24, now: () => now, log })
      await source.refresh()
      current = text
      await source.refresh()
      assert.deepEqual([source.current()?.version, source.status().reason], ['1', 'the list is broken'])
      assert.ok(lines.some(line => line.includes('sanctions_list_refused')))
    })
  }
}

test('other names are names too; those of ships and aircraft are not', () => {
  const person = parseSdnRow(rows[0]?.raw.trim() ?? '')
  assert.deepEqual(person.aliases, ['ZHOU, William', 'YAN, Steven'])
  const { names } = parseSanctionsList(convert(rows.map(row => row.raw.trim()).join('\r\n')))
  const apostrophe = parseSdnRow(rows.find(row => row.id === '9596')?.raw.trim() ?? '')
  assert.deepEqual(apostrophe.aliases, ["ABD'RABBAH", 'ABU JAMIL'])
  const ship = rows.find(row => row.type === 'vessel')
  assert.ok(names.some(entry => entry.name === 'ZHOU, William'))
  assert.ok(ship && !names.some(entry => entry.name === ship.name))
})
