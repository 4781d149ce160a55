import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createFact, pushOf, testAddress } from '@fusion-prime/local/testing/facts.ts'
import { transaction } from '@fusion-prime/postgres'
import { createCompliance } from '../app.ts'
import { replaceParties } from '../party/store.ts'
import { createTestCompliance, type TestCompliance } from '../testing.ts'
import { createRescreening } from './rescreen.ts'
import { screenAddresses } from './screen.ts'

let compliance: TestCompliance
let app: ReturnType<typeof createCompliance>
const MATCH = testAddress('payee 1100')
before(async () => {
  compliance = await createTestCompliance()
  app = createCompliance(compliance.deps)
  await compliance.publish('first', { addresses: [testAddress('somebody')] })
})
after(async () => {
  await app?.close()
  await compliance?.parts.close()
})

const rescreen = async () => (await app.inject({ method: 'POST', url: '/screenings/rescreen' })).json()
const later = () => {
  compliance.world.now = new Date(compliance.world.now.getTime() + 60_000)
}
const versions = async () => {
  const rows = await compliance.parts.sql<{ list_version: string; n: number }[]>`
    select list_version, count(*)::int as n from screenings group by 1 order by 1`
  return Object.fromEntries(rows.map(row => [row.list_version, row.n]))
}
const matches = () =>
  compliance.parts.sent
    .filter(one => one.attributes.event_type === 'sanctions_match')
    .map(one => JSON.parse(String(one.data)))
    .map(({ escrow_address, role, address, list_version }) => [escrow_address, role, address, list_version])

async function deploy(escrow: string, values: Parameters<typeof createFact<'EscrowDeployed'>>[1]): Promise<string> {
  const escrow_address = testAddress(escrow)
  const fact = createFact('EscrowDeployed', { escrow_address, arbiter: null, ...values })
  const answer = await app.inject(pushOf('escrow-events-compliance', fact))
  assert.equal(answer.statusCode, 204)
  return escrow_address
}

test('a listed party is announced when its escrow appears, once', async () => {
  const payee = testAddress('somebody')
  const first = await deploy('appears', { payee, payer: testAddress('payer') })
  await app.inject(`/screenings/${payee}`)
  const second = await deploy('appears too', { payee, payer: payee })
  assert.deepEqual(matches(), [
    [first, 'payee', payee, 'first'],
    [second, 'payee', payee, 'first'],
    [second, 'payer', payee, 'first']
  ])
  const lines = compliance.parts.lines.filter(line => line.message === 'sanctioned_party')
  assert.deepEqual(
    lines.map(line => [line.severity, line.role]),
    [
      ['ERROR', 'payee'],
      ['ERROR', 'payee'],
      ['ERROR', 'payer']
    ]
  )
})

test('an escrow that names somebody on a list has only its own parties looked at; what was missed elsewhere is for the next run', async () => {
  const payee = testAddress('somebody')
  const [first] = matches()
  assert.ok(first)
  await compliance.parts.sql`delete from escrow_matches where escrow_address = ${first[0]}`
  const before = matches().length
  const third = await deploy('appears as well', { payee, payer: testAddress('payer') })
  assert.deepEqual(matches().slice(before), [[third, 'payee', payee, 'first']])
  later()
  assert.equal((await rescreen()).matches, 1)
  assert.deepEqual(matches().slice(before + 1), [first])
})

test('a new list screens every party and name again; a crash loses nothing; new matches are announced; who was removed is clear', async () => {
  const { sql } = compliance.parts
  await sql`
    insert into screenings (address, result, list_version, list_as_of, list_sha256, screened_at)
    select '0x' || substr(encode(sha256(convert_to('payee ' || n, 'UTF8')), 'hex'), 1, 40), 'clear', list_version, list_as_of, list_sha256,
      screened_at
    from screenings, generate_series(1, 1200) as n where address = ${testAddress('payer')}`
  const escrow = await deploy('rescreened', { payee: MATCH, payer: testAddress('payer') })
  const opened = await app.inject({
    method: 'POST',
    url: '/kyc/cases',
    payload: { user_id: 'ivan', full_name: 'Ivan Petrov', country: 'CH' }
  })
  assert.equal(opened.json().status, 'created')
  const before = matches().length
  later()
  await compliance.publish('second', { addresses: [MATCH], names: ['PETROV, Ivan'] })

  // The second batch meets a database that refuses: as a crash would, it leaves the first one done.
  const [middle] = await sql<{ address: string }[]>`select address from screenings order by address offset 600 limit 1`
  await sql.unsafe(
    `alter table screenings add constraint crash check (list_version <> 'second' or address <> '${middle?.address}') not valid`
  )
  await assert.rejects(compliance.deps.rescreening.run(), /crash/)
  const halfway = await versions()
  assert.deepEqual([halfway.second, halfway.first], [500, 702])
  await sql`alter table screenings drop constraint crash`

  const other = createRescreening(compliance.deps)
  const [progress] = await Promise.all([rescreen(), other.run()])
  assert.deepEqual(await versions(), { second: 1202 })
  assert.equal(progress.list_version, 'second')
  const done = await rescreen()
  assert.deepEqual([done.addresses, done.names, done.matches], [1202, 1, 2])
  assert.ok(done.finished_at)
  assert.deepEqual(matches().slice(before), [[escrow, 'payee', MATCH, 'second']])
  assert.equal((await app.inject('/kyc/users/ivan')).json().status, 'review')
  const [cleared] = await sql`select result, list_version from screenings where address = ${testAddress('somebody')}`
  assert.deepEqual(Object.values(cleared ?? {}), ['clear', 'second'])
})

test('a name that was found before is screened again, but not counted as newly found', async () => {
  later()
  await compliance.publish('second again', { addresses: [MATCH], names: ['PETROV, Ivan'] })
  const [{ names, matches }] = await Promise.all([rescreen(), createRescreening(compliance.deps).run()])
  assert.ok(names <= 1 && matches === 0)
  const done = await rescreen()
  assert.deepEqual([done.names, done.matches], [1, 0])
})

test('an escrow that is being written while its party comes onto the list is announced by the next run', async () => {
  const { sql } = compliance.parts
  const address = testAddress('written meanwhile')
  await app.inject(`/screenings/${address}`)
  const key = { chain_id: 31337, escrow_address: testAddress('escrow of the meantime') }
  const before = matches().length
  await transaction(sql, async tx => {
    await replaceParties(tx, { keys: [key], parties: [{ ...key, role: 'payee', address, status: 'funded' }] })
    assert.deepEqual((await screenAddresses(tx, { ...compliance.deps, addresses: [address] })).messages, [])
    later()
    await compliance.publish('meanwhile', { addresses: [address], names: ['PETROV, Ivan'] })
    await rescreen()
    assert.equal((await app.inject(`/screenings/${address}`)).json().result, 'match')
  })
  assert.deepEqual(matches().slice(before), [])
  await Promise.all([rescreen(), createRescreening(compliance.deps).run()])
  const { matches: found } = await rescreen()
  assert.equal(found, 1)
  assert.deepEqual(matches().slice(before), [[key.escrow_address, 'payee', address, 'meanwhile']])
})

test('an address that comes onto the list again is announced again', async () => {
  later()
  await compliance.publish('third', { addresses: [testAddress('somebody')] })
  await rescreen()
  later()
  await compliance.publish('fourth', { addresses: [MATCH] })
  const before = matches().length
  await rescreen()
  assert.deepEqual(
    matches()
      .slice(before)
      .map(([, role, address, version]) => [role, address, version]),
    [['payee', MATCH, 'fourth']]
  )
})

test('what an instance with an older list adds meanwhile is screened by the next run', async () => {
  const { sql } = compliance.parts
  await sql`update screenings set list_sha256 = 'older', list_version = 'third', result = 'clear', list = null where address = ${MATCH}`
  await rescreen()
  const [row] = await sql`select result, list_version from screenings where address = ${MATCH}`
  assert.deepEqual(Object.values(row ?? {}), ['match', 'fourth'])
})

test('without a list nothing is screened, and the answer is to try again', async () => {
  const { now } = compliance.world
  compliance.world.now = new Date(now.getTime() + 25 * 3_600_000)
  assert.equal((await app.inject({ method: 'POST', url: '/screenings/rescreen' })).statusCode, 503)
  compliance.world.now = now
})
