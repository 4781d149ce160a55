import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { PermanentError } from '@fusion-prime/runtime'
import { readOptions } from './options.ts'

test('the database is the one given, else DATABASE_URL, else the running stack’s', t => {
  const folder = mkdtempSync(join(tmpdir(), 'audit-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const stackFile = join(folder, 'stack.json')
  const read = (args: string[], env: Record<string, string> = {}) =>
    readOptions(['ledger', ...args], { env, stackFile })
  const env = { DATABASE_URL: 'postgres://of-env' }
  assert.throws(() => read([]), /no stack runs here .*stack\.json.*give --database-url/)
  writeFileSync(stackFile, JSON.stringify({ databases: { settlement_db: 'postgres://of-stack' } }))
  assert.deepEqual(read([]), { databaseUrl: 'postgres://of-stack', json: false })
  assert.deepEqual(read(['--json'], env), { databaseUrl: env.DATABASE_URL, json: true })
  assert.deepEqual(read(['--database-url', 'postgres://given'], env), { databaseUrl: 'postgres://given', json: false })
  writeFileSync(stackFile, '{"databases":{}}')
  assert.throws(() => read([]), /it names no settlement_db/)
})

test('help is help; what isn’t an option or a thing to audit gives the usage', () => {
  const env = { DATABASE_URL: 'postgres://of-env' }
  assert.equal(readOptions(['--help'], { env }), 'help')
  for (const args of [[], ['everything'], ['ledger', 'twice'], ['ledger', '--unknown'], ['ledger', '--database-url']]) {
    assert.throws(
      () => readOptions(args, { env }),
      error => error instanceof PermanentError && /usage: npm run audit/.test(error.message),
      args.join(' ')
    )
  }
})
