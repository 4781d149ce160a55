import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { EscrowFact } from '@fusion-prime/events'
import { atLevel, createFact, pushOf, testAddress } from '@fusion-prime/local/testing/facts.ts'
import { createTestSettlement, type TestSettlement } from '../command/command-fixture.ts'

let parts: TestSettlement
let app: TestSettlement['app']
before(async () => {
  parts = await createTestSettlement()
  app = parts.app
})
after(() => parts?.close())

const push = async (...facts: EscrowFact[]) => {
  for (const fact of facts) assert.equal((await app.inject(pushOf('escrow-events-settlement', fact))).statusCode, 204)
}
const get = async (url: string) => {
  const answer = await app.inject(url)
  return { status: answer.statusCode, body: answer.json() }
}

/** An escrow's life with 2 approvals, then released; its people are its own. */
function lifeOf(name: string, chain_id = 31337) {
  const escrow_address = testAddress(`${name} escrow`)
  const payer = testAddress(`${name} payer`)
  const payee = testAddress(`${name} payee`)
  const at = (block_number: number) => ({ escrow_address, chain_id, block_number })
  return {
    escrow_address,
    payer,
    payee,
    deployed: createFact('EscrowDeployed', { ...at(1), payer, payee, arbiter: null }),
    byPayer: createFact('ApprovalGranted', { ...at(2), approver: payer }),
    byPayee: createFact('ApprovalGranted', { ...at(3), approver: payee }),
    byStranger: createFact('ApprovalGranted', { ...at(4), approver: testAddress('stranger') }),
    released: createFact('EscrowReleased', { ...at(5), payee })
  }
}

test('an escrow goes from funded to released, with its timeline and levels', async () => {
  const { escrow_address, payer, payee, deployed, byPayer, byPayee, released } = lifeOf('whole')
  const statuses: string[] = []
  for (const fact of [deployed, byPayer, byPayee, released]) {
    await push(fact)
    statuses.push((await get(`/escrows/${escrow_address}`)).body.status)
  }
  assert.deepEqual(statuses, ['funded', 'partially_approved', 'approved', 'released'])
  await push(...[deployed, byPayer, byPayee].map(fact => atLevel(fact, 'finalized')), atLevel(released, 'safe'))
  const { body } = await get(`/escrows/${escrow_address}`)
  assert.deepEqual([body.finality, body.approvals, body.payer, body.payee], ['safe', [payer, payee], payer, payee])
  assert.equal(body.amount, deployed.amount)
  assert.deepEqual(
    body.timeline.map((one: Record<string, unknown>) => [one.event_type, one.block_number, one.finality, one.reverted]),
    [
      ['EscrowDeployed', 1, 'finalized', false],
      ['ApprovalGranted', 2, 'finalized', false],
      ['ApprovalGranted', 3, 'finalized', false],
      ['EscrowReleased', 5, 'safe', false]
    ]
  )
})

test('what arrives backwards and twice ends in the same state', async () => {
  const forwards = lifeOf('forwards')
  const backwards = lifeOf('backwards')
  await push(forwards.deployed, forwards.byPayer, forwards.byStranger, forwards.released)
  await push(backwards.released)
  assert.equal((await get(`/escrows/${backwards.escrow_address}`)).body.status, 'incomplete')
  await push(backwards.byStranger, backwards.byPayer, backwards.released, backwards.deployed, backwards.deployed)
  const [a, b] = await Promise.all([forwards, backwards].map(life => get(`/escrows/${life.escrow_address}`)))
  assert.deepEqual(
    [b?.body.status, b?.body.anomalies, b?.body.approvals.length],
    [a?.body.status, a?.body.anomalies, a?.body.approvals.length]
  )
  assert.deepEqual([a?.body.status, a?.body.anomalies], ['released', ['approval_by_stranger']])
  assert.ok(parts.lines.some(line => line.message === 'escrow_anomaly' && line.severity === 'ERROR'))
})

test('a reverted deployment makes the escrow reverted; such escrows are listed only when asked for', async () => {
  const { deployed, escrow_address, payer } = lifeOf('reverted')
  await push(deployed, atLevel(deployed, 'reverted'))
  assert.equal((await get(`/escrows/${escrow_address}`)).body.status, 'reverted')
  assert.deepEqual((await get(`/escrows?payer=${payer}`)).body.items, [])
  const listed = (await get('/escrows?status=reverted')).body.items
  assert.deepEqual(
    listed.map((one: { escrow_address: string }) => one.escrow_address),
    [escrow_address]
  )
  await push(atLevel(deployed, 'seen', 2))
  assert.equal((await get(`/escrows/${escrow_address}`)).body.status, 'funded', 'mined again')
})

test('what is final is announced once, whatever comes again', async () => {
  const { deployed, released, escrow_address } = lifeOf('announced')
  await push(deployed, released, atLevel(released, 'finalized'))
  const announced = () =>
    parts.sent.filter(one => one.ordering_key === escrow_address).map(one => one.attributes.event_type)
  assert.deepEqual(announced(), [])
  await push(atLevel(deployed, 'finalized'), atLevel(deployed, 'finalized'))
  assert.deepEqual(announced(), ['escrow_funded', 'escrow_released'])
})

test('an address on two chains must say which; any letter case finds it, a wrong checksum doesn’t', async () => {
  const here = lifeOf('two chains')
  await push(here.deployed, lifeOf('two chains', 8453).deployed)
  const { escrow_address } = here
  assert.equal((await get(`/escrows/${escrow_address}`)).status, 409)
  assert.equal((await get(`/escrows/${escrow_address}?chain_id=8453`)).body.chain_id, 8453)
  assert.equal((await get(`/escrows/0x${escrow_address.slice(2).toUpperCase()}?chain_id=31337`)).status, 200)
  const mixed = `0x${escrow_address.slice(2).replace(/[a-f]/, letter => letter.toUpperCase())}`
  assert.equal((await get(`/escrows/${mixed}`)).status, 400)
  assert.equal((await get(`/escrows/${testAddress('nobody')}`)).status, 404)
})

test('pages cover every escrow once, while others are added', async () => {
  const payer = testAddress('pages payer')
  const add = (name: string) =>
    push(createFact('EscrowDeployed', { escrow_address: testAddress(`page ${name}`), payer }))
  const names = Array.from({ length: 25 }, (_, index) => String(index))
  for (const name of names) await add(name)
  const seen: string[] = []
  let cursor = ''
  for (let page = 0; page < 20; page += 1) {
    const { body } = await get(`/escrows?payer=${payer}&limit=7${cursor && `&cursor=${cursor}`}`)
    seen.push(...body.items.map((one: { escrow_address: string }) => one.escrow_address))
    if (page === 1) await add('late')
    if (body.next_cursor === null) break
    cursor = body.next_cursor
  }
  assert.equal(new Set(seen).size, seen.length, 'no escrow twice')
  const found = new Set(seen)
  for (const name of names) assert.ok(found.has(testAddress(`page ${name}`)))
})

test('pages go on whatever the number of the chain', async () => {
  const payer = testAddress('far payer')
  const chains = [1, 2_716_446_429_837_000, Number.MAX_SAFE_INTEGER]
  for (const chain_id of chains) await push(createFact('EscrowDeployed', { chain_id, payer }))
  const seen: number[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { status, body } = await get(`/escrows?payer=${payer}&limit=1${cursor && `&cursor=${cursor}`}`)
    assert.equal(status, 200)
    seen.push(...body.items.map((one: { chain_id: number }) => one.chain_id))
    cursor = body.next_cursor
  }
  assert.deepEqual(seen, chains)
})

test('filters and limits are checked', async () => {
  for (const query of [
    'limit=0',
    'limit=201',
    'limit=x',
    'status=unknown',
    'payer=0x12',
    'cursor=nonsense',
    'chain_id=-1'
  ]) {
    assert.equal((await get(`/escrows?${query}`)).status, 400, query)
  }
  const { deployed, byPayer, payee } = lifeOf('filtered')
  await push(deployed, byPayer)
  const { body } = await get(`/escrows?payee=${payee}&status=partially_approved&chain_id=31337&limit=200`)
  assert.equal(body.items.length, 1)
  assert.equal(body.next_cursor, null)
})
