import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { freePorts, portsFrom } from './ports.ts'

test('names the port that is taken, and what to do', async t => {
  const [base = 0] = await freePorts(1)
  const other = createServer()
  await new Promise<void>(resolve => other.listen(base, '127.0.0.1', resolve))
  t.after(() => other.close())
  const message = `port ${base} of ${base} to ${base + 1} can't be had: stop what listens there, or give another --port-base`
  await assert.rejects(portsFrom(base, 2), { name: 'PermanentError', message })
})
