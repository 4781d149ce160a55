import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { compiled } from './compile.ts'

for (const [path, content] of compiled()) {
  test(`${path} is what its contract compiles to`, () => {
    assert.equal(readFileSync(join(import.meta.dirname, '../../..', path), 'utf8'), content)
  })
}
