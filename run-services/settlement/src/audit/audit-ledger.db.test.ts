import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { EscrowKey } from '@fusion-prime/escrow'
import { type EscrowFact, uuid8 } from '@fusion-prime/events'
import { createApp } from '@fusion-prime/http'
import { createFact, pushOf, testAddress } from '@fusion-prime/local/testing/facts.ts'
import { createTestParts, type TestParts } from '@fusion-prime/local/testing/service.ts'
import { until } from '@fusion-prime/local/testing/wait.ts'
import { type Sql, transaction } from '@fusion-prime/postgres'
import fc from 'fast-check'
import { migrations } from '../app.ts'
import { escrowEvents } from '../escrow/consume.ts'
import { standingTransfers } from '../ledger/ledger.ts'
import { anyLifeOf, deliveriesOf } from '../ledger/lives-fixture.ts'
import { ledgerRoutes } from '../ledger/routes.ts'
import { loadTransfers } from '../ledger/store.ts'
import { tamper } from '../ledger/tamper-fixture.ts'
import type { Fault } from './audit-escrow.ts'
import { auditLedger } from './audit-ledger.ts'

const seed = Number(process.env.LEDGER_SEED ?? randomInt(2 ** 31))
const EVENTS = 2_000
/** Pushes that are under way at once. */
const AT_ONCE = 120

/** An escrow whose life is as it should be; the one that is changed by hand. */
const plain = { escrow_address: testAddress('plain'), finality: 'finalized' } as const
const deployed = createFact('EscrowDeployed', { ...plain, amount: '7' })
const released = createFact('EscrowReleased', { ...plain, block_number: 2, amount: '7' })

/** The same events to every run of a seed: some 250 escrows, each with a life that no chain would allow. */
function someEvents(): EscrowFact[] {
  const events: EscrowFact[] = [deployed, released]
  for (let escrow = 0; events.length < EVENTS; escrow += 1) {
    events.push(...fc.sample(anyLifeOf(testAddress(`escrow ${escrow}`)), { seed: seed + escrow, numRuns: 1 }).flat())
  }
  return events
}

/** A service of two instances that got these events in an order of its own, many of them twice, many at once. */
async function settleAll(
  events: readonly EscrowFact[],
  order: number
): Promise<TestParts & { get(url: string): Promise<unknown> }> {
  const parts = await createTestParts('settlement', migrations)
  const createInstance = () => {
    const app = createApp({ ...parts, name: 'settlement', description: 'the ledger' })
    app.register(escrowEvents(parts))
    app.register(ledgerRoutes(parts))
    return app
  }
  const [app, other] = [createInstance(), createInstance()]
  const pushes = fc.sample(deliveriesOf(events), { seed: order, numRuns: 1 }).flat(2)
  for (let at = 0; at < pushes.length; at += AT_ONCE) {
    const some = pushes.slice(at, at + AT_ONCE)
    await Promise.all(some.map((fact, index) => deliver(index % 2 ? app : other, fact)))
  }
  return {
    ...parts,
    get: async url => (await app.inject(url)).json(),
    async close() {
      await Promise.all([app.close(), other.close()])
      await parts.close()
    }
  }
}

/** Again until it is taken, as Pub/Sub does: an instance that waits too long for the other one's locks gives up. */
const deliver = (app: ReturnType<typeof createApp>, fact: EscrowFact) =>
  until('a push that is taken', async () => {
    const { statusCode } = await app.inject(pushOf('escrow-events-settlement', fact))
    assert.ok(statusCode === 204 || statusCode === 503)
    return statusCode === 204
  })

/** What must be alike whatever the order was: ids and times are how it came about. */
async function endState({ sql, get }: Awaited<ReturnType<typeof settleAll>>) {
  const escrows = await sql<{ escrow: EscrowKey }[]>`
    select to_jsonb(escrows) - 'updated_at' as escrow from escrows order by chain_id, escrow_address`
  const ledgers = await loadTransfers(
    sql,
    escrows.map(one => one.escrow)
  )
  const standing = ledgers.flatMap(standingTransfers)
  const accounts = [...new Set(standing.flatMap(one => [one.debit_account, one.credit_account]))].sort()
  return {
    escrows,
    standing: standing.map(({ transfer_id, created_at, ...entry }) => entry),
    balances: await get('/ledger/balances'),
    accounts: await Promise.all(accounts.map(account => get(`/accounts/${account}/balance`)))
  }
}

async function audit(sql: Sql): Promise<Fault[]> {
  const faults: Fault[] = []
  const { faults: count } = await auditLedger(sql, { onFault: fault => void faults.push(fault) })
  assert.equal(count, faults.length)
  return faults
}

describe(`a ledger after ${EVENTS} shuffled and repeated events (LEDGER_SEED=${seed})`, () => {
  let one: Awaited<ReturnType<typeof settleAll>>
  before(async () => {
    one = await settleAll(someEvents(), seed)
  })
  after(() => one?.close())

  test('two orders of delivery end in the same escrows, transfers and balances', async () => {
    const two = await settleAll(someEvents(), seed + 1)
    try {
      const [a, b] = [await endState(one), await endState(two)]
      assert.ok(a.standing.length > 100 && a.accounts.length > 50, 'something was settled')
      assert.deepEqual(b, a)
      const [countered] = await two.sql`select count(*)::int as count from ledger_transfers where kind = 'counter'`
      assert.ok(countered?.count > 0, 'something was countered')
      assert.deepEqual(await audit(two.sql), [])
    } finally {
      await two.close()
    }
  })

  test('its audit finds nothing wrong', async () => {
    assert.deepEqual(await audit(one.sql), [])
    assert.ok(!one.lines.some(line => line.message === 'ledger_unbalanced'))
  })

  for (const { what, change, finds } of changes()) {
    test(`changed by hand: ${what}`, async () => {
      const undo = new Error('undo')
      const audited = transaction(one.sql, async tx => {
        await tamper(tx, sql => change(sql))
        const found = await audit(tx)
        assert.deepEqual([...new Set(found.map(one => one.fault))].sort(), finds)
        for (const { escrow_address } of found)
          assert.ok(escrow_address === plain.escrow_address || escrow_address === null)
        throw undo
      })
      await assert.rejects(audited, undo)
    })
  }
})

type Change = { what: string; finds: string[]; change(sql: Sql): Promise<unknown> }

function changes(): Change[] {
  const other = '00000000-0000-4000-8000-000000000000'
  const transfer_id = uuid8(`${deployed.fact_id}:pending:1`)
  const { escrow_address } = plain
  const { fact_id } = released
  return [
    {
      what: 'an amount',
      finds: ['balance_wrong', 'fact_differs', 'transfer_missing', 'transfer_unexpected'],
      change: sql => sql`update ledger_transfers set amount = amount - 1 where transfer_id = ${transfer_id}`
    },
    {
      what: 'a party',
      finds: ['fact_differs', 'transfer_missing', 'transfer_unexpected'],
      change: sql =>
        sql`update ledger_transfers set debit_account = ${`payer:1:${testAddress('x')}`} where transfer_id = ${transfer_id}`
    },
    {
      what: 'an account that is none',
      finds: ['fact_differs', 'totals_differ', 'transfer_missing', 'transfer_unexpected'],
      change: sql => sql`update ledger_transfers set debit_account = 'bank' where transfer_id = ${transfer_id}`
    },
    {
      what: 'an id',
      finds: ['transfer_id_wrong'],
      change: sql => sql`update ledger_transfers set transfer_id = ${other} where transfer_id = ${transfer_id}`
    },
    {
      what: 'a deposit that is gone',
      finds: ['balance_wrong', 'transfer_missing'],
      change: sql => sql`delete from ledger_transfers where transfer_id = ${transfer_id}`
    },
    {
      what: 'an ending that is gone',
      finds: ['balance_wrong', 'transfer_missing'],
      change: sql => sql`delete from ledger_transfers where escrow_address = ${escrow_address} and kind <> 'pending'`
    },
    {
      what: 'a transfer of no fact',
      finds: ['balance_wrong', 'fact_unknown', 'transfer_id_wrong', 'transfer_unexpected'],
      change: sql => sql`
        insert into ledger_transfers (transfer_id, fact_id, kind, chain_id, escrow_address, debit_account, credit_account, asset_symbol, amount)
        select ${other}, gen_random_uuid(), kind, chain_id, escrow_address, debit_account, credit_account, asset_symbol, amount
        from ledger_transfers where transfer_id = ${transfer_id}`
    },
    {
      what: 'a counter of nothing',
      finds: ['counter_wrong', 'transfer_id_wrong'],
      change: sql => sql`
        insert into ledger_transfers (transfer_id, fact_id, kind, chain_id, escrow_address, debit_account, credit_account, asset_symbol, amount, reverses)
        select ${other}, fact_id, 'counter', chain_id, escrow_address, debit_account, credit_account, asset_symbol, 0, gen_random_uuid()
        from ledger_transfers where transfer_id = ${transfer_id}`
    },
    {
      what: 'the order of a deposit and its ending',
      finds: ['balance_wrong'],
      change: sql => sql`
        with moved as (delete from ledger_transfers where transfer_id = ${transfer_id} returning *)
        insert into ledger_transfers (transfer_id, fact_id, kind, chain_id, escrow_address, debit_account, credit_account, asset_symbol, amount)
        select transfer_id, fact_id, kind, chain_id, escrow_address, debit_account, credit_account, asset_symbol, amount from moved`
    },
    {
      what: 'a fact that is gone',
      finds: ['balance_wrong', 'fact_unknown', 'transfer_unexpected'],
      change: async sql => {
        await sql`delete from fact_messages where fact_id = ${fact_id}`
        await sql`delete from facts where fact_id = ${fact_id}`
      }
    }
  ]
}
