import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startStack } from './stack.ts'
import { until } from './testing/wait.ts'

const children = () => process.getActiveResourcesInfo().filter(resource => resource === 'ProcessWrap')

test('when one part can’t start, those that come up after its failure are stopped, too', async t => {
  const dataDir = await mkdtemp(join(tmpdir(), 'stack-'))
  t.after(() => rm(dataDir, { recursive: true }))
  await chmod(dataDir, 0o755) // Postgres may run as another user
  await mkdir(join(dataDir, 'postgres'))
  await writeFile(join(dataDir, 'postgres', 'somebody-elses.txt'), '')
  await assert.rejects(startStack({ dataDir }), /is neither empty nor a data folder made here/)
  await until('the last child to be gone', () => children().length === 0, { patienceMs: 20_000 })
})
