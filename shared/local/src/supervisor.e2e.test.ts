import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Supervised, type SupervisedOptions, supervise } from './supervisor.ts'

const scripts = {
  'serve.mjs': `
    process.on('SIGTERM', () => { console.log('bye'); process.exit(0) })
    process.on('disconnect', () => process.exit(0))
    console.log('up ' + process.pid + ' ' + process.env.COLOUR + ' ' + process.argv[2])
    console.error('a warning')`,
  'give-up.mjs': `console.log('no use'); process.exitCode = 1`,
  'fail.mjs': `console.log('failing'); process.exitCode = 75`,
  'parent.mjs': `
    import { supervise } from ${JSON.stringify(new URL('supervisor.ts', import.meta.url).href)}
    supervise({ name: 'serve', command: [process.execPath, process.argv[2]], env: {}, onLine: line => process.send?.(line) })`
}

describe('supervise', () => {
  let folder: string
  let lines: EventEmitter
  let running: Supervised | undefined
  const script = (name: keyof typeof scripts) => join(folder, name)

  function start(options: Omit<SupervisedOptions, 'name' | 'env'>): Supervised {
    lines = new EventEmitter()
    const onLine = (line: string) => void lines.emit(line.split(' ', 1)[0] ?? '', line)
    running = supervise({ name: 'it', env: { COLOUR: 'green' }, restartDelayMs: 10, onLine, ...options })
    return running
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'supervisor-'))
    await Promise.all(Object.entries(scripts).map(([name, text]) => writeFile(join(folder, name), text)))
  })
  afterEach(() => running?.stop())
  after(() => rm(folder, { recursive: true }))

  test('passes environment and arguments on and hands over both streams’ lines', async () => {
    const child = start({ command: [process.execPath, script('serve.mjs'), 'argument'] })
    const seen = await Promise.all([once(lines, 'up'), once(lines, 'a')])
    assert.deepEqual(seen.flat(), [`up ${child.pid} green argument`, 'a warning'])
  })

  test('stops with SIGTERM and does not start again', async () => {
    const child = start({ command: [process.execPath, script('serve.mjs')] })
    await once(lines, 'up')
    const bye = once(lines, 'bye')
    await Promise.all([child.stop(), bye])
    await sleep(100)
    assert.equal(child.pid, undefined)
    assert.equal(child.restarts, 0)
  })

  test('starts a killed process again', async () => {
    const child = start({ command: [process.execPath, script('serve.mjs')] })
    await once(lines, 'up')
    const first = child.pid
    const again = once(lines, 'up')
    child.kill('SIGKILL')
    await again
    assert.equal(child.restarts, 1)
    assert.notEqual(child.pid, first)
  })

  test('starts a process that fails again and again, until it is stopped', async () => {
    const child = start({ command: [process.execPath, script('fail.mjs')] })
    while (child.restarts < 3) await once(lines, 'failing')
    await child.stop()
    const { restarts } = child
    await sleep(100)
    assert.equal(child.restarts, restarts)
  })

  test('leaves a process be that gave up', async () => {
    const { promise, resolve } = Promise.withResolvers<string>()
    const child = start({ command: [process.execPath, script('give-up.mjs')], onGiveUp: resolve })
    assert.equal(await promise, 'exit code 1')
    await sleep(100)
    assert.equal(child.restarts, 0)
    assert.equal(child.pid, undefined)
  })

  test('says so if a command can’t be run', async () => {
    const { promise, resolve } = Promise.withResolvers<string>()
    const child = start({ command: ['/no/such/program'], onGiveUp: resolve })
    assert.match(await promise, /^\/no\/such\/program can't be run: .*ENOENT/)
    await child.stop()
  })

  test('a killed supervisor takes its child with it', async () => {
    const parent = fork(script('parent.mjs'), [script('serve.mjs')], { execArgv: [] })
    const [line] = await once(parent, 'message')
    const pid = Number(String(line).split(' ')[1])
    parent.kill('SIGKILL')
    await once(parent, 'exit')
    while (alive(pid)) await sleep(20)
  })
})

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
