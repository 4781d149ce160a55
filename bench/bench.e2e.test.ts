import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { appendFacts } from '@fusion-prime/escrow'
import { claimEvents, createSql, migrate } from '@fusion-prime/postgres'
import { migrations } from '@fusion-prime/settlement'
import { testDatabase } from '../shared/local/src/test-database.ts'
import { createFact } from '../shared/local/src/testing/facts.ts'
import { assertRows } from './push.ts'
import { kindNames, kinds } from './push-endpoints.ts'
import { mixes } from './pushes.ts'

const run = promisify(execFile)
const bench = (...args: string[]) =>
  run(process.execPath, [fileURLToPath(new URL('main.ts', import.meta.url)), ...args], { timeout: 120_000 })

const tiny = ['--rounds', '2', '--messages', '230', '--concurrency', '16', '--broker-messages', '700']
const endpointNames = kindNames.map(kind => kinds[kind].name)

describe('benchmark', () => {
  test('one table: the broker, and settlement beside the no-op endpoints and the naive handler', async () => {
    const { stdout, stderr } = await bench(...tiny, '--fsync', 'off')
    const [table = ''] = stdout.split('\n\n')
    const [head, rule, ...rows] = table.split('\n').map(row => row.split(/ {2,}/))
    assert.deepEqual(head?.slice(0, 3), ['measured', 'endpoint', '1/s (median)'])
    assert.match(rule?.join('') ?? '', /^─+$/)
    const pushed = mixes.flatMap(mix => endpointNames.map(name => [`push, ${mix.name}`, name]))
    assert.deepEqual(
      rows.filter(([measured]) => measured?.startsWith('push')).map(row => row.slice(0, 2)),
      pushed
    )
    assert.equal(rows.filter(([measured]) => measured?.startsWith('broker')).length, 3)
    for (const row of rows)
      assert.ok(row.slice(2).every(cell => Number(cell) >= 0) && Number(row[2]) > 0, row.join('  '))
    assert.match(stdout, /PostgreSQL 18[.0-9]* \(fsync off, synchronous_commit on\)/)
    assert.match(stderr, /^ +\d+ s {2}broker: starting\n/)
    assert.match(stderr, /pushes: round 2 of 2\n$/)
  })

  test('--json: the same as one object; --only leaves the other part out', async () => {
    const { stdout } = await bench(...tiny, '--only', 'broker', '--json', '--rounds', '1')
    const { lines, command } = JSON.parse(stdout)
    assert.equal(lines.length, 3)
    for (const { measured, perSecond } of lines) assert.ok(measured.startsWith('broker') && perSecond > 0)
    assert.match(command, /--only broker --json/)
  })

  test('what isn’t an option ends it with 1 and the usage', async () => {
    await assert.rejects(bench('--quick'), { code: 1, stderr: /--quick[\s\S]*usage: npm run bench/ })
  })

  test('a row too few, and one too many, is noticed', async () => {
    await using database = await testDatabase()
    const sql = createSql({ url: database.url, max: 1, applicationName: 'test' })
    try {
      await migrate(sql, { folders: migrations })
      await assertRows({ kind: 'checks', sql }, 0)
      await assert.rejects(assertRows({ kind: 'naive', sql }, 1), /naive: processed_events has 0 rows, not 1/)
      const body = createFact('EscrowDeployed')
      const { event_id } = body
      const message = { event_id, body, attributes: {}, traceparent: undefined, correlation_id: 'test', digest: 'test' }
      await claimEvents(sql, { topic: 'escrow-events', events: [message] })
      await assert.rejects(assertRows({ kind: 'naive', sql }, 1), /naive: facts has 0 rows, not 1/)
      await appendFacts(sql, [message])
      await assertRows({ kind: 'naive', sql }, 1)
      await assert.rejects(assertRows({ kind: 'checks', sql }, 0), /checks: processed_events has 1 rows, not 0/)
    } finally {
      await sql.end()
    }
  })
})
