import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createFact, pushOf, testAddress } from '@fusion-prime/local/testing/facts.ts'
import { createTestParts, type TestParts } from '@fusion-prime/local/testing/service.ts'
import type { AnswerOf, listRangeFaults, repairRange } from '@fusion-prime/operations'
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

const faults = async () => {
  const answer = await app.inject('/ranges/derived?from=0&to=9&chain_id=31337')
  assert.equal(answer.statusCode, 200, answer.body)
  return answer.json<AnswerOf<typeof listRangeFaults>>().items
}

test('positions that are missing are written, altered and extra ones are named', async () => {
  const [open, ended] = ['open', 'ended'].map(name => testAddress(`range ${name}`))
  assert.ok(open && ended)
  const facts = [
    createFact('EscrowDeployed', { escrow_address: open }),
    createFact('EscrowDeployed', { escrow_address: ended, log_index: 1 }),
    createFact('EscrowReleased', { escrow_address: ended, block_number: 2 })
  ]
  for (const fact of facts) assert.equal((await app.inject(pushOf('escrow-events-risk-engine', fact))).statusCode, 204)
  assert.deepEqual(await faults(), [])

  await parts.sql`delete from positions where role = 'payer'`
  await parts.sql`update positions set amount = 7, status = 'approved' where role = 'payee'`
  await parts.sql`
    insert into positions (chain_id, escrow_address, role, address, asset_symbol, amount, status, finality)
    select chain_id, ${ended}, role, address, asset_symbol, amount, status, finality from positions where role = 'payee'`
  const found = (await faults()).map(({ kind, escrow_address, detail }) => [
    kind,
    escrow_address,
    detail.split(':')[1] ?? ''
  ])
  const altered = ' amount is "7", the facts give "1500000000000000000"; status is "approved", the facts give "funded"'
  assert.deepEqual(found.toSorted(), [
    ['altered', open, altered],
    ['extra', ended, ''],
    ['missing', open, '']
  ])
  const payload = { chain_id: 31337, facts: [], manifests: [], escrows: [open, ended] }
  const answer = await app.inject({ method: 'POST', url: '/ranges/repair', payload })
  assert.deepEqual(answer.json<AnswerOf<typeof repairRange>>(), { forgotten: 0, written: 1 })
  assert.deepEqual((await faults()).map(({ kind }) => kind).toSorted(), ['altered', 'extra'])
})
