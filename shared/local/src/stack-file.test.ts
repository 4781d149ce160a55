import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { assertNoOtherStack } from './stack-file.ts'

describe('assertNoOtherStack', () => {
  let folder: string
  let path: string
  const programs: ChildProcess[] = []

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stack-file-'))
    path = join(folder, 'stack.json')
  })
  after(async () => {
    for (const program of programs) program.kill()
    await rm(folder, { recursive: true })
  })

  async function left(...script: string[]): Promise<void> {
    const program = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', ...script], { stdio: 'ignore' })
    programs.push(program)
    await writeFile(path, JSON.stringify({ pid: program.pid }))
  }

  test('refuses beside a stack that runs, naming it', async () => {
    await left('shared/local/src/main.ts')
    assert.throws(() => assertNoOtherStack(path), /a stack runs already \(process \d+, .*stack\.json\): stop it first/)
  })

  test('passes when the process id is some other program’s now', async () => {
    await left()
    assertNoOtherStack(path)
  })

  test('passes without a file, and over one that is no JSON', async () => {
    assertNoOtherStack(join(folder, 'absent.json'))
    await writeFile(path, '{')
    assertNoOtherStack(path)
  })
})
