import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { EscrowFact } from '@fusion-prime/events'
import { createApp } from '@fusion-prime/http'
import { atLevel, createFact, pushOf, testAddress } from '@fusion-prime/local/testing/facts.ts'
import { createTestParts, type TestParts } from '@fusion-prime/local/testing/service.ts'
import { migrations } from '../app.ts'
import { escrowEvents } from '../escrow/consume.ts'
import { escrowRoutes } from '../escrow/routes.ts'
import { ledgerRoutes } from './routes.ts'
import { tamper } from './tamper-fixture.ts'

let parts: TestParts
let app: ReturnType<typeof createApp>
before(async () => {
  parts = await createTestParts('settlement', migrations)
  app = createApp({ ...parts, name: 'settlement', description: 'the ledger' })
  for (const plugin of [escrowEvents, escrowRoutes, ledgerRoutes]) app.register(plugin(parts))
})
after(async () => {
  await app?.close()
  await parts?.close()
})

const push = async (...facts: EscrowFact[]) => {
  for (const fact of facts) assert.equal((await app.inject(pushOf('escrow-events-settlement', fact))).statusCode, 204)
}
const get = async (url: string) => {
  const answer = await app.inject(url)
  return { status: answer.statusCode, body: answer.json() }
}
const balanceOf = async (account: string, query = '') => {
  const { status, body } = await get(`/accounts/${account}/balance${query}`)
  return status === 200 ? [body.posted, body.pending, body.available] : status
}

/** Final facts of an escrow with 7 base units; who is who follows from the name. */
function lifeOf(name: string, values: { payer?: string; asset_symbol?: string } = {}) {
  const escrow_address = testAddress(`${name} escrow`)
  const { payer = testAddress(`${name} payer`), asset_symbol = 'ETH' } = values
  const payee = testAddress(`${name} payee`)
  const at = (block_number: number) => ({ escrow_address, block_number, finality: 'finalized' as const })
  return {
    escrow_address,
    accounts: [`payer:31337:${payer}`, `escrow:31337:${escrow_address}`, `payee:31337:${payee}`] as const,
    deployed: createFact('EscrowDeployed', { ...at(1), payer, payee, amount: '7', asset_symbol }),
    refunded: createFact('EscrowRefunded', { ...at(2), payer, amount: '7' }),
    released: createFact('EscrowReleased', { ...at(3), payee, amount: '7' })
  }
}

test('a deposit is pending, with its release it is posted; the escrow shows both', async () => {
  const { accounts, deployed, released, escrow_address } = lifeOf('released')
  const balances = () => Promise.all(accounts.map(account => balanceOf(account)))
  await push(atLevel(deployed, 'seen'), atLevel(released, 'seen'))
  assert.deepEqual(await balances(), Array(3).fill(['0', '0', '0']))
  await push(deployed)
  assert.deepEqual(await balances(), [
    ['0', '-7', '-7'],
    ['0', '7', '0'],
    ['0', '0', '0']
  ])
  await push(released)
  assert.deepEqual(await balances(), [
    ['-7', '0', '-7'],
    ['0', '0', '0'],
    ['7', '0', '7']
  ])
  const { ledger } = (await get(`/escrows/${escrow_address}`)).body
  const [payer, escrow, payee] = accounts
  const told = ledger.map(({ transfer_id, created_at, ...rest }: Record<string, unknown>) => rest)
  const same = { asset_symbol: 'ETH', amount: '7', reverses: null }
  assert.deepEqual(told, [
    { fact_id: deployed.fact_id, kind: 'pending', debit_account: payer, credit_account: escrow, ...same },
    { fact_id: released.fact_id, kind: 'post', debit_account: escrow, credit_account: payee, ...same }
  ])
  assert.equal(new Date(ledger[0].created_at).toISOString(), ledger[0].created_at)
})

test('a void cancels its pending; an earlier ending that arrives late takes the later one back, with an alert', async () => {
  const { accounts, deployed, released, refunded } = lifeOf('refunded')
  await push(deployed, released, refunded)
  for (const account of accounts) assert.deepEqual(await balanceOf(account), ['0', '0', '0'])
  assert.ok(parts.lines.some(line => line.message === 'ledger_transfer_countered' && line.severity === 'ERROR'))
  assert.ok(!parts.lines.some(line => line.message === 'ledger_unbalanced'))
})

test('an outcome goes out with its posting; what isn’t final has no say', async () => {
  const { deployed, released, refunded, escrow_address } = lifeOf('outcome')
  await push(deployed, atLevel(refunded, 'seen'), released)
  const announced = () =>
    parts.sent.filter(one => one.ordering_key === escrow_address).map(one => one.attributes.event_type)
  assert.deepEqual(announced(), ['escrow_funded', 'escrow_released'])
  await push(atLevel(refunded, 'reverted'))
  assert.deepEqual(announced(), ['escrow_funded', 'escrow_released'])
})

test('debits equal credits, and countered pairs are in neither', async () => {
  const asset_symbol = 'SUMS'
  const [ended, open] = [lifeOf('sum one', { asset_symbol }), lifeOf('sum two', { asset_symbol })]
  await push(ended.deployed, ended.released, ended.refunded, open.deployed)
  const { balances } = (await get('/ledger/balances')).body
  assert.deepEqual(
    balances.filter((one: { asset_symbol: string }) => one.asset_symbol === asset_symbol),
    [{ asset_symbol, debits: '21', credits: '21' }]
  )
})

test('an account with several assets must say which; what isn’t an account is refused', async () => {
  const payer = testAddress('two assets')
  await push(lifeOf('in ETH', { payer }).deployed, lifeOf('in POL', { payer, asset_symbol: 'POL' }).deployed)
  const account = `payer:31337:${payer}`
  assert.equal(await balanceOf(account), 409)
  assert.deepEqual(await balanceOf(account, '?asset_symbol=POL'), ['0', '-7', '-7'])
  assert.deepEqual(await balanceOf(account, '?asset_symbol=BTC'), ['0', '0', '0'])
  assert.deepEqual(await balanceOf(`payer:31337:0x${payer.slice(2).toUpperCase()}`, '?asset_symbol=ETH'), [
    '0',
    '-7',
    '-7'
  ])
  assert.deepEqual(await balanceOf(`payer:${Number.MAX_SAFE_INTEGER}:${payer}`), ['0', '0', '0'])
  for (const wrong of [
    'nobody',
    `payer:${2 ** 53}:${payer}`,
    `arbiter:31337:${payer}`,
    `payer:x:${payer}`,
    'payer:31337:0x12',
    `payer:031337:${payer}`
  ]) {
    assert.equal(await balanceOf(wrong), 400, wrong)
  }
})

test('no transfer is changed or removed: its owner has no right to, and with the right there is the trigger', async () => {
  const { sql } = parts
  const changes = [
    () => sql`update ledger_transfers set amount = 1`,
    () => sql`delete from ledger_transfers`,
    () => sql`truncate ledger_transfers`
  ]
  for (const change of changes) await assert.rejects(change, /permission denied for table ledger_transfers/)
  await sql`grant update, delete, truncate on ledger_transfers to current_user`
  for (const change of changes) await assert.rejects(change, /append-only, (update|delete|truncate) is refused/)
  await sql`revoke update, delete, truncate on ledger_transfers from current_user`
})

test('a ledger that another hand was in refuses what would hide it', async () => {
  const { deployed, released, refunded, escrow_address } = lifeOf('tampered')
  await push(deployed, released, refunded)
  await tamper(
    parts.sql,
    sql => sql`update ledger_transfers set amount = 5 where kind = 'counter' and escrow_address = ${escrow_address}`
  )
  const again = { ...atLevel(refunded, 'reverted'), forced: true }
  const neighbour = lifeOf('neighbour')
  await Promise.all([push(again), push(neighbour.deployed)])
  assert.ok(parts.lines.some(line => line.message === 'ledger_unbalanced' && line.severity === 'ERROR'))
  const dead = parts.sent.find(one => one.attributes.event_id === again.event_id)
  assert.equal(dead?.attributes.dead_letter_reason, 'handler_refused')
  assert.equal((await get(`/escrows/${escrow_address}`)).body.ledger.length, 4, 'nothing was added')
  assert.equal((await get(`/escrows/${neighbour.escrow_address}`)).body.ledger.length, 1, 'others go on')
})
