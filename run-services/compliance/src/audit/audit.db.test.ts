import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { testAddress } from '@fusion-prime/local/testing/facts.ts'
import { type Sql, transaction } from '@fusion-prime/postgres'
import { createCompliance } from '../app.ts'
import { createKeepList } from '../sanctions/snapshots.ts'
import { createTestCompliance, type TestCompliance } from '../testing.ts'
import { canonical, GENESIS, linkHash } from './chain.ts'

let compliance: TestCompliance
let app: ReturnType<typeof createCompliance>
let sql: Sql
before(async () => {
  compliance = await createTestCompliance()
  sql = compliance.parts.sql
  app = createCompliance(compliance.deps)
})
after(async () => {
  await app?.close()
  await compliance?.parts.close()
})

const DAY_MS = 86_400_000
const start = new Date('2026-01-31T12:00:00Z')

/** Five decisions on each of three days, from scratch: `<day>-<n>`. */
beforeEach(async () => {
  await tamper(
    tx => tx`truncate compliance_checks, compliance_payments, audit_days, sanctions_lists`,
    tx => tx`update audit_head set count = 0, hash = ${GENESIS}, prev_hash = ${GENESIS}, day = null, prev_day = null`
  )
  compliance.deps.keepList = async (tx, list) => {
    await createKeepList()(tx, list)
  }
  for (const day of [1, 2, 3]) {
    compliance.world.now = new Date(start.getTime() + day * DAY_MS)
    await compliance.publish(`list of day ${day}`, { addresses: [testAddress('bad'), testAddress(`bad on ${day}`)] })
    for (const n of [1, 2, 3, 4, 5]) await ask(`${day}-${n}`, n === 2 ? `bad on ${day}` : 'good')
  }
})

async function ask(check_id: string, payee: string): Promise<void> {
  const payload = {
    check_id,
    user_id: 'user-7',
    payer_address: testAddress('payer'),
    payee_address: testAddress(payee),
    amount: '1.5',
    asset: 'ETH',
    amount_usd: '10'
  }
  const answer = await app.inject({ method: 'POST', url: '/compliance/check', payload })
  assert.equal(answer.statusCode, 200, answer.body)
  assert.equal(answer.json().status, payee === 'good' ? 'review' : 'rejected')
}

/** As the tables' owner could: takes the rights back and the triggers off. */
async function tamper(...changes: ((tx: Sql) => PromiseLike<unknown>)[]): Promise<void> {
  const kept = ['compliance_checks', 'audit_days', 'sanctions_lists']
  await transaction(sql, async tx => {
    await tx`grant update, delete, truncate on compliance_checks, audit_days, sanctions_lists to current_user`
    for (const table of kept) await tx`alter table ${tx(table)} disable trigger user`
    for (const change of changes) await change(tx)
    for (const table of kept) await tx`alter table ${tx(table)} enable trigger user`
    await tx`revoke update, delete, truncate on compliance_checks, audit_days, sanctions_lists from current_user`
  })
}

const verify = async () => {
  const answer = await app.inject('/compliance/audit/verify')
  assert.equal(answer.statusCode, 200, answer.body)
  return answer.json()
}
const found = async () => {
  const { ok, checked, first_bad } = await verify()
  return [ok, checked, first_bad?.problem, first_bad?.check_id, first_bad?.position]
}

test('the chain is whole, and anybody can recompute it from what the service answers', async () => {
  assert.deepEqual(await verify(), { ok: true, checked: 15, first_bad: null })
  let prev_hash = GENESIS
  for (const day of [1, 2, 3])
    for (const n of [1, 2, 3, 4, 5]) {
      const check = (await app.inject(`/compliance/checks/${day}-${n}`)).json()
      assert.equal(check.prev_hash, prev_hash)
      assert.equal(check.hash, linkHash(prev_hash, check.decision))
      assert.equal(check.decision.status, check.status)
      prev_hash = check.hash
    }
})

test('rows can’t be changed or removed: nobody has the right, and who takes it meets a trigger', async () => {
  const statements = [
    (tx: Sql) => tx`update compliance_checks set decision = '{}'`,
    (tx: Sql) => tx`delete from compliance_checks where check_id = '1-1'`,
    (tx: Sql) => tx`truncate compliance_checks`,
    (tx: Sql) => tx`delete from sanctions_lists`,
    (tx: Sql) => tx`update audit_days set count = 0`
  ]
  for (const statement of statements) {
    await assert.rejects(async () => statement(sql), /permission denied/)
    const withRights = transaction(sql, async tx => {
      await tx`grant update, delete, truncate on compliance_checks, audit_days, sanctions_lists to current_user`
      await statement(tx)
    })
    await assert.rejects(withRights, /append-only/)
  }
})

const tamperings: [what: string, change: (tx: Sql) => PromiseLike<unknown>, found: unknown[]][] = [
  [
    'an altered decision',
    tx =>
      tx`update compliance_checks set decision = jsonb_set(decision, '{status}', '"approved"') where check_id = '2-3'`,
    [false, 7, 'altered', '2-3', 8]
  ],
  [
    'a number that a parser rounds',
    tx =>
      tx`update compliance_checks set decision = jsonb_set(decision, '{rules,version}', '1.00000000000000000001') where check_id = '2-3'`,
    [false, 7, 'altered', '2-3', 8]
  ],
  [
    'a number beyond JSON',
    tx =>
      tx`update compliance_checks set decision = jsonb_set(decision, '{rules,version}', '1e400') where check_id = '2-3'`,
    [false, 7, 'altered', '2-3', 8]
  ],
  [
    'a decision under another id',
    tx => tx`update compliance_checks set check_id = 'other' where check_id = '2-3'`,
    [false, 7, 'altered', 'other', 8]
  ],
  [
    'an altered hash',
    tx => tx`update compliance_checks set hash = ${'a'.repeat(64)} where check_id = '1-5'`,
    [false, 4, 'altered', '1-5', 5]
  ],
  ['a deleted row', tx => tx`delete from compliance_checks where check_id = '2-3'`, [false, 7, 'missing', '2-3', 8]],
  [
    'a deleted first row',
    tx => tx`delete from compliance_checks where check_id = '1-1'`,
    [false, 0, 'missing', '1-1', 1]
  ],
  ['a deleted day', tx => tx`delete from compliance_checks where check_id like '2-%'`, [false, 5, 'missing', '2-1', 6]],
  [
    'a cut tail',
    tx => tx`delete from compliance_checks where check_id in ('3-4', '3-5')`,
    [false, 13, 'missing', '3-4', 14]
  ],
  [
    'the last day cut',
    tx => tx`delete from compliance_checks where check_id like '3-%'`,
    [false, 10, 'missing', '3-1', 11]
  ],
  ['all cut', tx => tx`delete from compliance_checks`, [false, 0, 'missing', '1-1', 1]],
  ['a lost head', tx => tx`delete from audit_head`, [false, 15, 'head_missing', null, 15]],
  ['another head', tx => tx`update audit_head set hash = ${'b'.repeat(64)}`, [false, 15, 'head_differs', null, 15]],
  [
    'a published day altered',
    tx => tx`update audit_days set hash = ${'c'.repeat(64)}`,
    [false, 5, 'day_differs', '1-5', 5]
  ],
  [
    'an altered day before the first decision',
    tx => tx`insert into audit_days (day, count, hash) values ('2026-01-01', 0, ${'d'.repeat(64)})`,
    [false, 15, 'day_differs', null, 0]
  ]
]
for (const [what, change, expected] of tamperings) {
  test(`found and named: ${what}`, async () => {
    const [head] = await sql`select * from audit_head`
    await tamper(change)
    assert.deepEqual(await found(), expected)
    if (what === 'a lost head') await tamper(tx => tx`insert into audit_head ${tx(head ?? {})}`)
  })
}

test('a replaced row, hashed anew, doesn’t fit the next one; a chain that was hashed anew doesn’t fit the published days', async () => {
  const rows = await sql<{ check_id: string; decision: { status: string } }[]>`
    select check_id, decision from compliance_checks order by position`
  let prev = GENESIS
  const forged = rows.map(({ check_id, decision }) => {
    const changed = check_id === '1-3' ? { ...decision, status: 'approved' } : decision
    const prev_hash = prev
    prev = linkHash(prev_hash, changed)
    return { check_id, decision: canonical(changed), prev_hash, hash: prev }
  })
  const replace = (row: (typeof forged)[number]) => (tx: Sql) =>
    tx`update compliance_checks set decision = ${row.decision}::text::jsonb, prev_hash = ${row.prev_hash}, hash = ${row.hash}
      where check_id = ${row.check_id}`
  await tamper(...forged.filter(row => row.check_id === '1-3').map(replace))
  assert.deepEqual(await found(), [false, 3, 'unlinked', '1-4', 4])
  await tamper(...forged.map(replace), tx => tx`update audit_head set hash = ${prev}`)
  assert.deepEqual(await found(), [false, 5, 'day_differs', '1-5', 5])
})

test('a tail that was cut together with its head is missed by the days that were published', async () => {
  await tamper(
    tx => tx`delete from compliance_checks where position > 7`,
    tx => tx`update audit_head set count = 7, hash = (select hash from compliance_checks where position = 7)`
  )
  assert.deepEqual(await found(), [false, 7, 'missing', '2-3', 8])
})

test('a decision is the same again after the list has changed; an altered list of the time is noticed', async () => {
  await compliance.publish('everybody', { addresses: [testAddress('good'), testAddress('payer')] })
  for (const id of ['1-1', '1-2', '2-2', '3-5']) {
    const answer = await app.inject({ method: 'POST', url: `/compliance/checks/${id}/replay` })
    const { same, decision, replayed } = answer.json()
    assert.equal(same, true, answer.body)
    assert.deepEqual([decision.status, decision.reasons], [replayed.status, replayed.reasons])
    assert.equal(decision.facts.list.version, `list of day ${id[0]}`)
  }
  await tamper(tx => tx`update sanctions_lists set addresses = '[]' where version = 'list of day 1'`)
  const altered = (await app.inject({ method: 'POST', url: '/compliance/checks/1-2/replay' })).json()
  assert.deepEqual([altered.same, altered.replayed], [false, null])
  const fine = (await app.inject({ method: 'POST', url: '/compliance/checks/2-2/replay' })).json()
  assert.equal(fine.same, true)
})

test('the head at the end of each day is published once, also of a day without decisions', async () => {
  const heads = () =>
    compliance.parts.sent
      .filter(one => one.attributes.event_type === 'audit_head')
      .map(one => JSON.parse(String(one.data)))
      .map(({ day, count, hash }) => [day, count, hash])
  const hashOf = async (id: string) => (await app.inject(`/compliance/checks/${id}`)).json().hash
  const expected = [
    ['2026-02-01', 5, await hashOf('1-5')],
    ['2026-02-02', 10, await hashOf('2-5')]
  ]
  assert.deepEqual(heads().slice(-2), expected)
  compliance.world.now = new Date(start.getTime() + 5 * DAY_MS)
  const publish = async () => (await app.inject({ method: 'POST', url: '/compliance/audit/publish' })).json()
  const first = await publish()
  assert.deepEqual(first, { day: '2026-02-04', count: 15, hash: await hashOf('3-5') })
  assert.deepEqual(await publish(), first)
  assert.deepEqual(heads().slice(-3), [...expected, Object.values(first)])
  await compliance.publish('list of day 5', { addresses: [testAddress('bad')] })
  await ask('5-1', 'good')
  assert.deepEqual(await publish(), first)
  assert.deepEqual(await verify(), { ok: true, checked: 16, first_bad: null })
})

test('decisions that are made at once by two instances make one chain', async () => {
  const other = createCompliance(compliance.deps)
  await Promise.all(
    Array.from({ length: 60 }, (_, n) => {
      const payload = {
        check_id: `at-once-${n}`,
        user_id: `user-${n % 7}`,
        payer_address: testAddress('payer'),
        payee_address: testAddress('good'),
        amount: '1',
        asset: 'ETH',
        amount_usd: '10'
      }
      return (n % 2 === 0 ? app : other).inject({ method: 'POST', url: '/compliance/check', payload })
    })
  )
  await other.close()
  assert.deepEqual(await verify(), { ok: true, checked: 75, first_bad: null })
})
