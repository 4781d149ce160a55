import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { migrations } from '@fusion-prime/event-relayer'
import { createSql, migrate } from '@fusion-prime/postgres'
import { testDatabase } from '../shared/local/src/test-database.ts'
import type { RelayerLine } from './relayer-report.ts'
import { assertRelayed } from './relayer-rows.ts'
import { expectedTicks, scenariosOf } from './relayer-scenarios.ts'

const run = promisify(execFile)
const bench = (...args: string[]) =>
  run(process.execPath, [fileURLToPath(new URL('main.ts', import.meta.url)), 'relayer', '--quick', ...args], {
    timeout: 300_000
  })

describe('benchmark of the relayer', () => {
  test('a line for every tick, each with what it asked of its providers', async () => {
    const { stdout, stderr } = await bench('--json', '--fsync', 'off', '--scenario', 'children, 1 URL, check receipts')
    const { lines, machine }: { lines: RelayerLine[]; machine: string } = JSON.parse(stdout)
    const expected = scenariosOf({ size: 'quick', holding: 'children, 1 URL, check receipts' }).flatMap(scenario =>
      expectedTicks(scenario).map(tick => [scenario.name, tick.name, scenario.urls, scenario.check, tick.events])
    )
    assert.deepEqual(
      lines.map(({ scenario, tick, urls, check, events }) => [scenario, tick, urls, check, events]),
      expected
    )
    for (const { perSecond, commitSeconds, publishSeconds, methods, requests } of lines) {
      assert.ok(perSecond > 0 && commitSeconds > 0 && publishSeconds >= commitSeconds && requests > 0)
      assert.ok((methods.eth_chainId?.calls ?? 0) > 0)
    }
    assert.match(machine, /fsync off/)
    assert.match(stderr, /relayer: many children, 1 URL, check receipts: then released, round 1 of 1\n$/)
  })

  test('tables, with --profile one of the time that functions took', async () => {
    const { stdout } = await bench('--profile', '--scenario', 'dense, 1 URL, check off')
    const [figures = '', methods = '', profile = '', functions = ''] = stdout.split('\n\n')
    assert.match(figures, /^scenario .*events\/s[\s\S]*\ndense +one tick +1 +off +30 +600 /)
    assert.match(methods, /eth_getLogs +\d+ +[\d.]+\n/)
    assert.match(profile, /^self time: dense, one tick, URLs 1, check off\nms +% +where\n/)
    assert.match(functions, /^ms +% +where\n[\s\S]*:\d+\n/)
  })

  test('a scenario that isn’t there ends it with 1 and the names of those that are', async () => {
    await assert.rejects(bench('--scenario', 'none'), { code: 1, stderr: /--scenario is none[\s\S]*nearly empty/ })
  })

  test('a relayer that left nothing is noticed', async () => {
    await using database = await testDatabase()
    const sql = createSql({ url: database.url, max: 1, applicationName: 'test' })
    try {
      await migrate(sql, { folders: migrations })
      const [scenario] = scenariosOf({ size: 'quick', holding: '' })
      assert.ok(scenario)
      const [tick] = expectedTicks(scenario)
      assert.ok(tick)
      await assert.rejects(assertRelayed(sql, { plan: scenario.plan, tick }), /"facts":0.* instead of .*"facts":600/)
    } finally {
      await sql.end()
    }
  })
})
