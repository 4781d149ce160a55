import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { rangeRoutes } from '@fusion-prime/escrow'
import type { EscrowFact } from '@fusion-prime/events'
import { createApp } from '@fusion-prime/http'
import { createFact, pushOf, testAddress } from '@fusion-prime/local/testing/facts.ts'
import { createTestParts, type TestParts } from '@fusion-prime/local/testing/service.ts'
import type { AnswerOf, listRangeFaults, repairRange } from '@fusion-prime/operations'
import type { Sql } from '@fusion-prime/postgres'
import { migrations } from '../app.ts'
import { escrowEvents } from '../escrow/consume.ts'
import { settlementDerivation } from './derivation.ts'

let parts: TestParts
let app: ReturnType<typeof createApp>
before(async () => {
  parts = await createTestParts('settlement', migrations)
  app = createApp({ ...parts, name: 'settlement', description: 'escrows and their ranges' })
  app.register(escrowEvents(parts))
  app.register(rangeRoutes({ sql: parts.sql, derivation: settlementDerivation }))
  await app.ready()
})
after(async () => {
  await app?.close()
  await parts?.close()
})

/** Past the trigger and the grants that keep the ledger: the owner may take both away. */
async function asIntruder(work: (sql: Sql) => Promise<unknown>): Promise<void> {
  await parts.sql`alter table ledger_transfers disable trigger all`
  await parts.sql`grant update, delete on ledger_transfers to current_user`
  await work(parts.sql)
  await parts.sql`revoke update, delete on ledger_transfers from current_user`
  await parts.sql`alter table ledger_transfers enable trigger all`
}

let chain_id = 500
/** An escrow on a chain of its own, released and final. */
async function settled(): Promise<{ escrow_address: string; chain_id: number }> {
  chain_id += 1
  const escrow_address = testAddress(`range ${chain_id}`)
  const at = (block_number: number) => ({ chain_id, escrow_address, block_number, finality: 'finalized' as const })
  const facts: EscrowFact[] = [createFact('EscrowDeployed', at(1)), createFact('EscrowReleased', at(2))]
  for (const fact of facts) {
    const answer = await app.inject(pushOf('escrow-events-settlement', fact))
    assert.equal(answer.statusCode, 204)
  }
  return { escrow_address, chain_id }
}
async function faults(of: { chain_id: number }): Promise<string[]> {
  const answer = await app.inject(`/ranges/derived?from=0&to=9&chain_id=${of.chain_id}`)
  assert.equal(answer.statusCode, 200, answer.body)
  const { items, escrows } = answer.json<AnswerOf<typeof listRangeFaults>>()
  assert.equal(escrows, 1)
  return items.map(({ kind, what, detail }) => `${kind} ${what} ${detail.split(' ')[0]}`)
}
async function repaired({ chain_id, escrow_address }: { chain_id: number; escrow_address: string }): Promise<number> {
  const payload = { chain_id, facts: [], manifests: [], escrows: [escrow_address] }
  const answer = await app.inject({ method: 'POST', url: '/ranges/repair', payload })
  assert.equal(answer.statusCode, 200, answer.body)
  return answer.json<AnswerOf<typeof repairRange>>().written
}
const ledger = ({ escrow_address }: { escrow_address: string }) => parts.sql`
  select transfer_id, fact_id, kind, debit_account, credit_account, amount, row_number() over (order by seq) as place
  from ledger_transfers where escrow_address = ${escrow_address} order by seq`

const losses: [what: string, lose: (sql: Sql, escrow: string) => Promise<unknown>, found: string[]][] = [
  [
    'all transfers',
    (sql, e) => sql`delete from ledger_transfers where escrow_address = ${e}`,
    ['missing ledger pending', 'missing ledger post']
  ],
  [
    'the deposit',
    (sql, e) => sql`delete from ledger_transfers where escrow_address = ${e} and kind = 'pending'`,
    ['missing ledger pending']
  ],
  [
    'the ending',
    (sql, e) => sql`delete from ledger_transfers where escrow_address = ${e} and kind = 'post'`,
    ['missing ledger post']
  ],
  ['the state', (sql, e) => sql`delete from escrows where escrow_address = ${e}`, ['missing escrow state']]
]
for (const [what, lose, found] of losses) {
  test(`${what} lost: found, written again as before, in its place`, async () => {
    const escrow = await settled()
    await settled() // so that the place after it is taken
    assert.deepEqual(await faults(escrow), [])
    const before = await ledger(escrow)
    await asIntruder(sql => lose(sql, escrow.escrow_address))
    assert.deepEqual(await faults(escrow), found)
    assert.equal(await repaired(escrow), found.length)
    assert.deepEqual(await faults(escrow), [])
    assert.deepEqual([...(await ledger(escrow))], [...before])
    assert.equal(await repaired(escrow), 0)
  })
}

const changes: [what: string, change: (sql: Sql, escrow: string) => Promise<unknown>, found: string[]][] = [
  [
    'a state',
    (sql, e) => sql`update escrows set status = 'funded' where escrow_address = ${e}`,
    ['altered escrow state']
  ],
  [
    'an amount',
    (sql, e) => sql`update ledger_transfers set amount = 1 where escrow_address = ${e} and kind = 'post'`,
    ['altered ledger post']
  ],
  [
    'an account, with the deposit lost',
    (sql, e) => sql`
      with lost as (delete from ledger_transfers where escrow_address = ${e} and kind = 'pending')
      update ledger_transfers set credit_account = 'payee:1:0x00' where escrow_address = ${e} and kind = 'post'`,
    ['missing ledger pending', 'altered ledger post']
  ],
  [
    'a transfer that nothing called for',
    (sql, e) => sql`
      insert into ledger_transfers (transfer_id, fact_id, kind, chain_id, escrow_address, debit_account, credit_account, asset_symbol, amount)
      select gen_random_uuid(), gen_random_uuid(), 'pending', chain_id, escrow_address, debit_account, credit_account, asset_symbol, amount
      from ledger_transfers where escrow_address = ${e} and kind = 'pending'`,
    ['extra ledger pending']
  ],
  [
    'a counter of nothing',
    (sql, e) => sql`
      insert into ledger_transfers
        (transfer_id, fact_id, kind, chain_id, escrow_address, debit_account, credit_account, asset_symbol, amount, reverses)
      select gen_random_uuid(), fact_id, 'counter', chain_id, escrow_address, debit_account, credit_account, asset_symbol, amount,
        gen_random_uuid()
      from ledger_transfers where escrow_address = ${e} and kind = 'pending'`,
    ['altered ledger balance']
  ]
]
for (const [what, change, found] of changes) {
  test(`${what} changed by hand: named, and left`, async () => {
    const escrow = await settled()
    await asIntruder(sql => change(sql, escrow.escrow_address))
    assert.deepEqual(await faults(escrow), found)
    const before = await ledger(escrow)
    assert.equal(await repaired(escrow), 0)
    assert.deepEqual(await faults(escrow), found)
    assert.deepEqual([...(await ledger(escrow))], [...before])
  })
}
