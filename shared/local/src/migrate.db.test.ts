import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePorts } from './ports.ts'
import { testDatabase } from './test-database.ts'

const script = fileURLToPath(new URL('./migrate.ts', import.meta.url))

function migrateAt(url: string) {
  const env = { ...process.env, DATABASE_URL: url }
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, 'price-oracle'], { env, encoding: 'utf8' })
  return { status, stdout, stderr }
}

test('migrates, and a second time finds nothing to do', async () => {
  await using database = await testDatabase()
  const first = migrateAt(database.url)
  assert.match(first.stdout, /^applied .*0001_/, first.stderr)
  assert.deepEqual(migrateAt(database.url), { status: 0, stdout: 'nothing to apply\n', stderr: '' })
})

test('a database that is away is worth another try', async () => {
  const [port] = await freePorts(1)
  const { status, stderr } = migrateAt(`postgres://someone:secret@127.0.0.1:${port}/none`)
  assert.equal(status, 75, stderr)
  assert.match(stderr, /^migration of price-oracle failed: connect ECONNREFUSED/)
})

test('a URL that can’t be read isn’t, and isn’t shown', () => {
  const { status, stderr } = migrateAt('postgres://someone:se#cret@127.0.0.1:5432/none')
  assert.equal(status, 1, stderr)
  assert.match(stderr, /^migration of price-oracle failed: /)
  assert.doesNotMatch(stderr, /cret/)
})
