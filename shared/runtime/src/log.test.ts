import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { describeError, PermanentError } from './errors.ts'
import { createLog, type Log } from './log.ts'
import { childTraceparent, newTraceparent } from './trace.ts'

function written(write: (log: Log) => void): Record<string, unknown>[] {
  const lines: string[] = []
  const log = createLog('settlement', { write: line => void lines.push(line) })
  log.level = 'trace'
  write(log)
  return lines.map(line => {
    assert.match(line, /^[^\n]+\n$/)
    return JSON.parse(line)
  })
}

const severities = [
  ['trace', 'DEBUG'],
  ['debug', 'DEBUG'],
  ['info', 'INFO'],
  ['warn', 'WARNING'],
  ['error', 'ERROR'],
  ['fatal', 'CRITICAL']
] as const
for (const [level, severity] of severities) {
  test(`${level} is Cloud Logging’s ${severity}`, () => {
    const [line] = written(log => log[level]({ event_id: 'e' }, 'message_handled'))
    const { time, ...rest } = line ?? {}
    assert.deepEqual(rest, { severity, service: 'settlement', event_id: 'e', message: 'message_handled' })
    assert.equal(new Date(String(time)).toISOString(), time)
  })
}

test('an error says its name, message, code, causes and stack', () => {
  const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
  const [line] = written(log => log.error({ error: new PermanentError('no database', { cause }) }, 'failed'))
  const error = line?.error as Record<string, unknown> & { cause: Record<string, unknown> } // checked below
  assert.deepEqual([error.name, error.message, error.cause.code], ['PermanentError', 'no database', 'ECONNREFUSED'])
  assert.match(String(error.stack_trace), /log\.test\.ts/)
})

test('headers and authorization are left out, a level deep too', () => {
  const secret = 'Bearer abc'
  const lines = written(log => {
    log.info({ authorization: secret, headers: { authorization: secret } }, 'x')
    log.info({ request: { headers: { authorization: secret }, authorization: secret } }, 'x')
  })
  assert.equal(lines.length, 2)
  assert.ok(!JSON.stringify(lines).includes('abc'))
})

test('an error’s text has its causes; what isn’t an error is shown as it is', () => {
  const cause = Object.assign(new Error(''), { code: 'ECONNREFUSED' })
  assert.equal(describeError(new Error('no database', { cause })), 'no database: ECONNREFUSED')
  assert.equal(describeError('text'), 'text')
})

test('trace contexts are W3C’s; a child is another span of the same trace', () => {
  const parent = newTraceparent()
  assert.match(parent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
  assert.notEqual(newTraceparent(), parent)
  const child = childTraceparent(`${parent.slice(0, -2)}00`)
  assert.match(child, /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
  assert.equal(child.slice(0, 36), parent.slice(0, 36))
  assert.notEqual(child.slice(36, 52), parent.slice(36, 52))
})

test('an empty LOG_LEVEL is none', t => {
  const before = process.env.LOG_LEVEL
  t.after(() => {
    if (before === undefined) delete process.env.LOG_LEVEL
    else process.env.LOG_LEVEL = before
  })
  process.env.LOG_LEVEL = ''
  assert.equal(createLog('settlement').level, 'info')
})

test('a process whose lines nobody reads ends as any other', { timeout: 60_000 }, async t => {
  const script = `
    import { createLog } from '${new URL('log.ts', import.meta.url)}'
    const log = createLog('test')
    process.stdin.once('data', () => {
      log.info({}, 'first')
      log.fatal({}, 'second')
      process.exit(7)
    })`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], { stdio: 'pipe' })
  t.after(() => child.kill('SIGKILL'))
  child.stdout.destroy()
  await once(child.stdout, 'close')
  child.stdin.write('go')
  assert.deepEqual(await once(child, 'exit'), [7, null])
})
