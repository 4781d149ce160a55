import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Stack, startStack } from '../shared/local/src/stack.ts'
import { STACK_FILE, writeStackFile } from '../shared/local/src/stack-file.ts'
import { liveThrough } from './escrow-lives.ts'
import { withSql } from './final-state.ts'
import { damage, type Expected, restore } from './reconcile-damage.ts'
import { type Found, reconcileBeside, reconcileStack } from './reconcile-run.ts'

let stack: Stack
let expected: Expected[]
before(async () => {
  stack = await startStack()
  await liveThrough(stack, { rounds: 1 })
})
after(() => stack?.stop())

const named = ({ service, kind, what, escrow_address }: Found): Expected =>
  `${service} ${kind} ${what} ${escrow_address}`
const isMissing = (one: Expected) => one.includes(' missing ')
const outcomes = () =>
  withSql(stack.file.databases.settlement_db, async sql => {
    const [row] = await sql<{ messages: number }[]>`select count(*)::int as messages from outbox`
    return row?.messages
  })

test('what is as the chain gives it is equal', async () => {
  const { code, result, facts, found } = await reconcileStack(stack)
  assert.deepEqual([found, result, code], [[], 'equal', 0])
  assert.ok((facts ?? 0) > 40, `${facts} facts`)
})

test('beside a running stack nothing has to be set', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reconcile-'))
  try {
    writeStackFile(join(folder, STACK_FILE), stack.file)
    const { code, result } = await reconcileBeside(folder)
    assert.deepEqual([result, code], ['equal', 0])
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('where the chain or a service can’t be read it ends with 75', async () => {
  for (const setting of ['RPC_URLS', 'COMPLIANCE_URL']) {
    const settings = { CALL_ATTEMPTS: '1', [setting]: 'http://127.0.0.1:9' }
    assert.equal((await reconcileStack(stack, { settings })).code, 75, setting)
  }
})

test('each row that was deleted or altered by hand is found; without repair it is left', async () => {
  expected = await damage(stack)
  const { code, found } = await reconcileStack(stack, { args: ['--no-repair'] })
  assert.equal(code, 1)
  // A lost fact has consequences that are found too.
  assert.deepEqual([...new Set(expected).difference(new Set(found.map(named)))], [])
  assert.ok(found.every(({ outcome }) => outcome === 'wrong'))
})

test('what is missing comes back, without another effect; what was altered is named, and it ends with 1', async () => {
  const before = await outcomes()
  const { code, result, found } = await reconcileStack(stack)
  assert.deepEqual(found.map(named).toSorted(), expected.toSorted())
  const repaired = found.filter(({ outcome }) => outcome === 'repaired').map(named)
  assert.deepEqual(repaired.toSorted(), expected.filter(isMissing).toSorted())
  assert.deepEqual([result, code], ['wrong', 1])
  assert.equal(await outcomes(), before)
})

test('a second run finds what was altered, and that alone', async () => {
  const { code, found } = await reconcileStack(stack)
  assert.deepEqual(found.map(named).toSorted(), expected.filter(one => !isMissing(one)).toSorted())
  assert.equal(code, 1)
})

test('put back, all is equal again', async () => {
  await restore(stack)
  const { code, result, found } = await reconcileStack(stack)
  assert.deepEqual([found, result, code], [[], 'equal', 0])
})
