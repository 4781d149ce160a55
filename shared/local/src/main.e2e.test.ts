import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { until } from './testing/wait.ts'

const script = fileURLToPath(new URL('./main.ts', import.meta.url))

describe('npm start', () => {
  let folder: string
  let stackFile: string
  let scratch: string
  let running: ChildProcessByStdio<null, Readable, null> | undefined

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'start-'))
    stackFile = join(folder, 'stack.json')
    scratch = await mkdtemp(join(folder, 'scratch-'))
    await Promise.all([chmod(folder, 0o755), chmod(scratch, 0o755)]) // Postgres may run as another user
  })
  after(async () => {
    running?.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  })

  async function start(...args: string[]) {
    const options = ['--json', '--stack-file', stackFile, '--one-process']
    const child = spawn(process.execPath, [script, ...options, ...args], {
      env: { ...process.env, TMPDIR: scratch, LOG_LEVEL: 'fatal' },
      stdio: ['ignore', 'pipe', 'ignore']
    })
    running = child
    child.stdout.resume()
    await until('the stack to be ready', () => existsSync(stackFile) || child.exitCode !== null)
    return { child, ended: once(child, 'exit') }
  }

  async function assertTidy(): Promise<void> {
    assert.equal(existsSync(stackFile), false, 'the addresses are still there')
    assert.deepEqual(await readdir(scratch), [], 'temporary folders were left')
  }

  test('a demo that comes to its end is one, whatever the log level of its surroundings', async () => {
    const { ended } = await start('--once')
    assert.deepEqual(await ended, [0, null])
    await assertTidy()
  })

  test('a demo that didn’t come to its end is no success', async () => {
    const { child, ended } = await start('--once')
    child.kill('SIGTERM')
    assert.deepEqual(await ended, [1, null])
    await assertTidy()
  })

  test('one Ctrl-C that arrives twice, as through npm, stops in order', async () => {
    const { child, ended } = await start('--no-demo')
    child.kill('SIGINT')
    child.kill('SIGINT')
    child.kill('SIGTERM') // pending signals of one kind are one
    assert.deepEqual(await ended, [0, null])
    await assertTidy()
  })

  test('a terminal that is closed stops it in order', async () => {
    const { child, ended } = await start('--no-demo')
    child.stdout.destroy()
    child.kill('SIGHUP')
    assert.deepEqual(await ended, [0, null])
    await assertTidy()
  })

  test('so does a reader that goes away', async () => {
    const { child, ended } = await start('--once')
    child.stdout.destroy()
    assert.deepEqual(await ended, [1, null])
    await assertTidy()
  })
})
