import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { EscrowFact } from '@fusion-prime/events'
import { atLevel, createFact, pushOf, testAddress } from '@fusion-prime/local/testing/facts.ts'
import { createTestParts, type TestParts } from '@fusion-prime/local/testing/service.ts'
import { createRiskEngine, migrations } from '../app.ts'

let parts: TestParts
let app: ReturnType<typeof createRiskEngine>
before(async () => {
  parts = await createTestParts('risk-engine', migrations)
  app = createRiskEngine(parts)
})
after(async () => {
  await app?.close()
  await parts?.close()
})

const handled = async (fact: EscrowFact, by = app) => {
  const answer = await by.inject(pushOf('escrow-events-risk-engine', fact))
  assert.equal(answer.statusCode, 204)
}
const positions = async (address: string) => {
  const answer = await app.inject(`/positions/${address}`)
  assert.equal(answer.statusCode, 200, answer.body)
  return answer.json<{ address: string; positions: Record<string, unknown>[] }>()
}
const rowsOf = async (escrow_address: string) => [
  ...(await parts.sql`
    select chain_id, role, address, asset_symbol, amount, status, finality from positions
    where escrow_address = ${escrow_address} order by chain_id, role collate "C"`)
]

/** The life of an escrow of its own: deployed, arbiter changed, two approvals, released. */
function lifeOf(name: string) {
  const escrow_address = testAddress(`${name} escrow`)
  const [payer, payee, arbiter, successor] = ['payer', 'payee', 'arbiter', 'successor'].map(role =>
    testAddress(`${name} ${role}`)
  ) as [string, string, string, string] // as many as names
  const at = (block_number: number) => ({ escrow_address, block_number })
  const deployed = createFact('EscrowDeployed', { ...at(1), payer, payee, arbiter })
  const changed = createFact('ArbiterChanged', { ...at(2), old_arbiter: arbiter, new_arbiter: successor })
  const approved = [
    createFact('ApprovalGranted', { ...at(3), approver: payer }),
    createFact('ApprovalGranted', { ...at(4), approver: payee })
  ]
  const released = createFact('EscrowReleased', { ...at(5), payee })
  return { escrow_address, payer, payee, arbiter, successor, deployed, changed, approved, released }
}

test('an open escrow is a position of payer, payee and arbiter, in whole units', async () => {
  const { deployed, escrow_address, payer, payee, arbiter } = lifeOf('open')
  await handled(deployed)
  for (const [role, address] of Object.entries({ payer, payee, arbiter })) {
    const position = { asset_symbol: 'ETH', amount: '1.5', chain_id: 31337, escrow_address, role, status: 'funded' }
    assert.deepEqual(await positions(address), { address, positions: [{ ...position, finality: 'seen' }] })
  }
})

test('a new arbiter takes the position of the old one; levels and approvals show; a release ends all', async () => {
  const { deployed, changed, approved, released, escrow_address, arbiter, successor } = lifeOf('whole life')
  for (const fact of [deployed, changed]) await handled(fact)
  assert.deepEqual((await positions(arbiter)).positions, [])
  assert.equal((await positions(successor)).positions[0]?.role, 'arbiter')
  for (const fact of [deployed, changed]) await handled(atLevel(fact, 'finalized'))
  assert.deepEqual(
    (await rowsOf(escrow_address)).map(row => row.finality),
    ['finalized', 'finalized', 'finalized']
  )
  for (const fact of approved) await handled(fact)
  assert.deepEqual(
    (await rowsOf(escrow_address)).map(row => row.status),
    ['approved', 'approved', 'approved']
  )
  await handled(released)
  assert.deepEqual(await rowsOf(escrow_address), [])
  await handled(atLevel(released, 'reverted'))
  assert.equal((await rowsOf(escrow_address)).length, 3)
})

test('facts in any order, one by one or at once, give the same rows', async () => {
  const { deployed, changed, approved, escrow_address } = lifeOf('any order')
  const withdrawn = createFact('EscrowReleased', { escrow_address, block_number: 9 })
  const facts = [deployed, changed, ...approved, withdrawn, atLevel(withdrawn, 'reverted')]
  const orders = [
    facts,
    [...facts].reverse(),
    facts.map((_, index) => facts[(index * 5 + 3) % facts.length] ?? deployed)
  ]
  for (const [index, order] of orders.entries()) for (const fact of order) await handled(onChain(fact, 100 + index))
  await Promise.all(facts.map(fact => handled(onChain(fact, 103))))
  const [first, ...others] = Object.values(Object.groupBy(await rowsOf(escrow_address), row => row.chain_id)).map(
    rows => rows?.map(({ chain_id: _, ...rest }) => rest)
  )
  assert.deepEqual(
    first?.map(row => row.role),
    ['arbiter', 'payee', 'payer']
  )
  assert.deepEqual(
    first?.map(row => row.status),
    ['approved', 'approved', 'approved']
  )
  assert.deepEqual(others, [first, first, first])
})

/** The same facts on another chain: an escrow of its own at the same address. */
const onChain = (fact: EscrowFact, chain_id: number): EscrowFact =>
  atLevel({ ...fact, chain_id }, fact.finality, fact.incarnation)

test('two instances that get the facts of an escrow at once lose none', async () => {
  const other = createRiskEngine(parts)
  for (let round = 0; round < 20; round += 1) {
    const lives = ['a', 'b', 'c'].map(name => lifeOf(`two instances ${name} ${round}`))
    const facts = lives.flatMap(({ deployed, changed }) => [deployed, changed])
    await Promise.all(facts.map((fact, index) => handled(fact, [app, other, other, app][index % 4])))
    for (const { escrow_address, successor } of lives)
      assert.equal((await rowsOf(escrow_address))[0]?.address, successor)
  }
  await other.close()
})

test('a reverted deployment takes its positions away, whichever came first; a second incarnation brings them back', async () => {
  const { deployed, escrow_address } = lifeOf('reverted')
  const revert = atLevel(deployed, 'reverted')
  for (const fact of [deployed, revert]) await handled(fact)
  assert.deepEqual(await rowsOf(escrow_address), [])
  for (const fact of [revert, deployed]) await handled(onChain(fact, 200))
  assert.deepEqual(await rowsOf(escrow_address), [])
  await handled(atLevel(deployed, 'seen', 2))
  assert.equal((await rowsOf(escrow_address)).length, 3)
})

test('a duplicate is counted once and changes nothing', async () => {
  const { deployed, escrow_address } = lifeOf('duplicate')
  const updated = () =>
    parts.sql`select role, updated_at from positions where escrow_address = ${escrow_address} order by role`
  await handled(deployed)
  const before = await updated()
  await Promise.all([handled(deployed), handled(deployed)])
  assert.deepEqual(await updated(), before)
  const [counted] = await parts.sql`select count(*)::int as facts from facts where escrow_address = ${escrow_address}`
  assert.equal(counted?.facts, 1)
  const outcomes = parts.lines
    .filter(line => line.event_id === deployed.event_id)
    .map(line => [line.message, line.outcome])
  assert.deepEqual(outcomes, [
    ['escrow_event_processed', 'handled'],
    ['escrow_event_processed', 'duplicate'],
    ['escrow_event_processed', 'duplicate']
  ])
})

test('positions are listed by chain, escrow and role', async () => {
  const payer = testAddress('busy payer')
  const escrows = ['a', 'b', 'c'].map(name => testAddress(`busy ${name}`))
  for (const chain_id of [9, 10])
    for (const escrow_address of escrows)
      await handled(createFact('EscrowDeployed', { chain_id, escrow_address, payer, arbiter: payer }))
  const listed = (await positions(payer)).positions.map(({ chain_id, escrow_address, role }) => [
    chain_id,
    escrow_address,
    role
  ])
  const expected = [9, 10].flatMap(chain =>
    [...escrows].sort().flatMap(one => [
      [chain, one, 'arbiter'],
      [chain, one, 'payer']
    ])
  )
  assert.deepEqual(listed, expected)
})

test('the amount of an asset without known decimals is null, and an error line says so', async () => {
  const payer = testAddress('exotic payer')
  const escrow_address = testAddress('exotic escrow')
  await handled(createFact('EscrowDeployed', { escrow_address, payer, asset_symbol: 'XYZ' }))
  assert.equal((await positions(payer)).positions[0]?.amount, null)
  const line = parts.lines.find(
    one => one.message === 'position_asset_unknown' && one.escrow_address === escrow_address
  )
  assert.deepEqual([line?.severity, line?.asset_symbol], ['ERROR', 'XYZ'])
})

test('what wasn’t committed isn’t told of', async () => {
  const { sql, lines } = parts
  const escrow_address = testAddress('refused escrow')
  const deployed = createFact('EscrowDeployed', { escrow_address, asset_symbol: 'XYZ' })
  const told = () =>
    lines.filter(one => one.message === 'position_asset_unknown' && one.escrow_address === escrow_address)
  await sql`
    create function refuse() returns trigger language plpgsql as $$ begin raise exception using errcode = '40001'; end $$`
  await sql`
    create constraint trigger refuse after insert on positions deferrable initially deferred
    for each row execute function refuse()`
  assert.equal((await app.inject(pushOf('escrow-events-risk-engine', deployed))).statusCode, 503)
  assert.deepEqual(told(), [])
  await sql`drop function refuse cascade`
  await handled(deployed)
  assert.ok(told().length > 0)
})

test('addresses are read in any case with a valid checksum, and answered in lower case', async () => {
  const lower = '0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed' // EIP-55's first example
  const { deployed } = lifeOf('letters')
  await handled({ ...deployed, payer: lower })
  for (const text of [
    lower,
    '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
    '0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED'
  ]) {
    const answer = await positions(text)
    assert.equal(answer.address, lower)
    assert.equal(answer.positions.length, 1)
  }
})

test('an address that was never met has no positions; what isn’t an address is refused', async () => {
  const address = testAddress('nobody')
  assert.deepEqual(await positions(address), { address, positions: [] })
  for (const text of ['0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed', '0x12', 'payer', `0x${'g'.repeat(40)}`]) {
    const answer = await app.inject(`/positions/${text}`)
    assert.equal(answer.statusCode, 400)
    assert.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8')
  }
})
