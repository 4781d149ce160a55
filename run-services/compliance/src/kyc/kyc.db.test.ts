import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { testAddress } from '@fusion-prime/local/testing/facts.ts'
import { createCompliance } from '../app.ts'
import { createTestCompliance, type TestCompliance } from '../testing.ts'

let compliance: TestCompliance
let app: ReturnType<typeof createCompliance>
before(async () => {
  compliance = await createTestCompliance()
  app = createCompliance(compliance.deps)
  await compliance.publish('first', { names: ['Ivan Petrov'] })
})
after(async () => {
  await app?.close()
  await compliance?.parts.close()
})

const post = (url: string, payload?: object) => app.inject({ method: 'POST', url, ...(payload && { payload }) })
const open = (user_id: string, changes: object = {}) =>
  post('/kyc/cases', { user_id, full_name: `Name of ${user_id}`, country: 'CH', ...changes })
const move = (case_id: string, to: string, reason = 'documents') =>
  post(`/kyc/cases/${case_id}/transitions`, { to, reason })
const userStatus = async (user_id: string) => (await app.inject(`/kyc/users/${user_id}`)).json().status

test('a case goes its way, with a history; the same move again gives the same answer, another one is refused', async () => {
  const opened = await open('anna')
  assert.equal(opened.statusCode, 201)
  const { case_id, status } = opened.json()
  assert.equal(status, 'created')
  assert.equal((await move(case_id, 'verified')).statusCode, 409)
  assert.equal((await move(case_id, 'pending')).json().status, 'pending')
  const verified = await move(case_id, 'verified', 'passport seen')
  assert.equal((await move(case_id, 'verified', 'passport seen')).body, verified.body)
  assert.equal((await move(case_id, 'verified', 'something else')).statusCode, 409)
  const { history } = (await app.inject(`/kyc/cases/${case_id}`)).json()
  assert.deepEqual(
    history.map((one: { from: string; to: string; reason: string; actor: string }) => [
      one.from,
      one.to,
      one.reason,
      one.actor
    ]),
    [
      [null, 'created', null, 'anonymous'],
      ['created', 'pending', 'documents', 'anonymous'],
      ['pending', 'verified', 'passport seen', 'anonymous']
    ]
  )
  assert.equal(await userStatus('anna'), 'verified')
})

test('one open case per user: the same particulars give it, others are refused, ten at once make one', async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => open('bert')))
  assert.equal(new Set(answers.map(one => one.json().case_id)).size, 1)
  assert.equal((await open('bert', { country: 'DE' })).statusCode, 409)
  await move(answers[0]?.json().case_id, 'rejected')
  const again = await open('bert', { country: 'DE' })
  assert.notEqual(again.json().case_id, answers[0]?.json().case_id)
  assert.equal(await userStatus('bert'), 'created')
})

test('a case is found by its id in any case, also to be taken up again after it expired', async () => {
  const { case_id } = (await open('upper')).json()
  assert.equal((await move(case_id.toUpperCase(), 'expired')).json().case_id, case_id)
  const again = await move(case_id.toUpperCase(), 'pending')
  assert.equal(again.statusCode, 200, again.body)
})

test('a user is found by an address in any case; who has no case isn’t', async () => {
  const address = testAddress('user')
  await open(address.toUpperCase().replace('X', 'x'))
  assert.equal(await userStatus(address), 'created')
  assert.equal((await app.inject('/kyc/users/nobody')).statusCode, 404)
  assert.equal((await app.inject('/kyc/cases/5f0c954e-93ae-4b8a-8f0e-6b3f4a2f7c11')).statusCode, 404)
  for (const url of ['/kyc/users/a%00b', '/compliance/checks/a%00b'])
    assert.equal((await app.inject(url)).statusCode, 400)
  for (const id of ['7', 'x']) assert.equal((await app.inject(`/kyc/cases/${id}`)).statusCode, 400)
})

test('what isn’t an application is refused', async () => {
  for (const changes of [
    { full_name: ' ' },
    { full_name: '— ?' },
    { full_name: 'A\u0000B' },
    { country: 'CHE' },
    { user_id: 'a b' },
    { country: 7 }
  ])
    assert.equal((await open('nobody', changes)).statusCode, 400, JSON.stringify(changes))
})

test('a name that came onto the list since is found when somebody verifies it; dismissed, it stays so by newer lists', async () => {
  const { case_id } = (await open('carl', { full_name: 'Carl Later' })).json()
  await move(case_id, 'pending')
  await compliance.publish('second', { names: ['Ivan Petrov', 'LATER, Carl'] })
  const refused = await move(case_id, 'verified')
  assert.equal(refused.statusCode, 409)
  assert.equal(await userStatus('carl'), 'review')
  assert.equal((await move(case_id, 'verified', 'another one')).json().status, 'verified')
  compliance.world.now = new Date(compliance.world.now.getTime() + 60_000)
  await compliance.publish('third', { names: ['LATER, Carl'] })
  await post('/screenings/rescreen')
  assert.equal(await userStatus('carl'), 'verified')
})

test('each entry that a name is like is looked at: dismissing one doesn’t hide another', async () => {
  await compliance.publish('alike', { names: ['Ivan Petrov', 'Gregor Samsonov', 'Gregor Samsonof'] })
  const { case_id, status, identity } = (await open('gregor', { full_name: 'Gregor Samsonov' })).json()
  assert.deepEqual([status, identity.match.name], ['review', 'Gregor Samsonov'])
  assert.equal((await move(case_id, 'verified', 'another one')).statusCode, 409)
  assert.equal((await app.inject(`/kyc/cases/${case_id}`)).json().identity.match.name, 'Gregor Samsonof')
  assert.equal((await move(case_id, 'verified', 'another one')).json().status, 'verified')
})

test('nobody is verified while there is no list', async () => {
  const { case_id } = (await open('dora')).json()
  await move(case_id, 'pending')
  const { now } = compliance.world
  compliance.world.now = new Date(now.getTime() + 25 * 3_600_000)
  assert.equal((await move(case_id, 'verified')).statusCode, 503)
  compliance.world.now = now
  assert.equal((await move(case_id, 'verified')).statusCode, 200)
})

test('a verification ends by time: written down when somebody acts, counted at once', async () => {
  const { now } = compliance.world
  const { case_id } = (await open('emil')).json()
  for (const to of ['pending', 'verified']) await move(case_id, to)
  compliance.world.now = new Date(now.getTime() + 366 * 86_400_000)
  assert.equal(await userStatus('emil'), 'expired')
  const renewed = (await open('emil')).json()
  assert.notEqual(renewed.case_id, case_id)
  const old = (await app.inject(`/kyc/cases/${case_id}`)).json()
  assert.deepEqual([old.status, old.history.at(-1).actor], ['expired', 'compliance'])
  assert.equal((await move(case_id, 'pending')).statusCode, 409)
  compliance.world.now = now
})

test('a verification that is over is announced by the scheduled run, once', async () => {
  const { now } = compliance.world
  const { case_id } = (await open('fred')).json()
  for (const to of ['pending', 'verified']) await move(case_id, to)
  compliance.world.now = new Date(now.getTime() + 366 * 86_400_000)
  await compliance.publish('next year', {})
  for (const _ of [1, 2]) assert.equal((await post('/screenings/rescreen')).statusCode, 200)
  const told = compliance.parts.sent.map(one => JSON.parse(String(one.data))).filter(one => one.case_id === case_id)
  assert.deepEqual(
    told.map(one => one.status),
    ['created', 'pending', 'verified', 'expired']
  )
})

test('erasure removes all that is personal, ends the case and leaves the chain of decisions valid', async () => {
  const full_name = 'Zacharias Erasable'
  const { case_id } = (await open('zach', { full_name, country: 'LI' })).json()
  await move(case_id, 'pending', 'Zacharias Erasable sent a passport')
  await move(case_id, 'verified', 'it is Zacharias Erasable')
  const payload = {
    check_id: 'of-zach',
    user_id: 'zach',
    payer_address: testAddress('zach'),
    payee_address: testAddress('payee'),
    amount: '1',
    asset: 'ETH',
    amount_usd: '10'
  }
  const asked = await post('/compliance/check', payload)
  assert.equal(asked.json().reasons[0], 'travel_rule_data_missing') // Liechtenstein is in the European Economic Area
  const erased = (await post(`/kyc/cases/${case_id}/erasure`)).json()
  assert.deepEqual([erased.identity, erased.status], [null, 'expired'])
  assert.equal((await post(`/kyc/cases/${case_id}/erasure`)).json().updated_at, erased.updated_at)
  assert.equal((await move(case_id, 'pending')).statusCode, 409)
  assert.equal((await post('/compliance/checks/of-zach/replay')).json().same, true)
  assert.equal((await app.inject('/compliance/audit/verify')).json().ok, true)
  assert.doesNotMatch(await everything(), /Erasable/)
  assert.doesNotMatch(JSON.stringify([compliance.parts.sent, compliance.parts.lines]), /Erasable/)
})

/** Every row of every table as text. */
async function everything(): Promise<string> {
  const { sql } = compliance.parts
  const tables = await sql<{ name: string }[]>`
    select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`
  const rows = []
  for (const { name } of tables) rows.push(await sql`select * from ${sql(name)}`)
  assert.ok(tables.length > 10)
  return JSON.stringify(rows)
}
