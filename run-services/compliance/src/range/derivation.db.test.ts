import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { rangeRoutes } from '@fusion-prime/escrow'
import { createApp } from '@fusion-prime/http'
import { createFact, pushOf, testAddress } from '@fusion-prime/local/testing/facts.ts'
import { createTestParts, type TestParts } from '@fusion-prime/local/testing/service.ts'
import type { AnswerOf, listRangeFaults, repairRange } from '@fusion-prime/operations'
import { migrations } from '../app.ts'
import { escrowEvents } from '../party/consume.ts'
import { createSanctionsSource } from '../sanctions/source.ts'
import { complianceDerivation } from './derivation.ts'

const [payer, payee, arbiter, escrow_address] = ['payer', 'payee', 'arbiter', 'escrow'].map(name =>
  testAddress(`range ${name}`)
) as [string, string, string, string] // as many as names

let parts: TestParts
let app: ReturnType<typeof createApp>
before(async () => {
  parts = await createTestParts('compliance', migrations)
  const addresses = [{ address: payee, chain: 'ethereum', list: 'OFAC SDN' }]
  const list = JSON.stringify({ version: 'one', as_of: new Date().toISOString(), addresses, names: [] })
  const sanctions = createSanctionsSource({ ...parts, read: async () => list, maxAgeHours: 24 })
  await sanctions.refresh()
  const deps = { ...parts, sanctions }
  app = createApp({ ...parts, name: 'compliance', description: 'parties and their ranges' })
  app.register(escrowEvents(deps))
  app.register(rangeRoutes({ sql: parts.sql, derivation: complianceDerivation(deps) }))
  const deployed = createFact('EscrowDeployed', { escrow_address, payer, payee, arbiter })
  assert.equal((await app.inject(pushOf('escrow-events-compliance', deployed))).statusCode, 204)
})
after(async () => {
  await app?.close()
  await parts?.close()
})

const faults = async () => {
  const answer = await app.inject('/ranges/derived?from=0&to=9&chain_id=31337')
  assert.equal(answer.statusCode, 200, answer.body)
  return answer
    .json<AnswerOf<typeof listRangeFaults>>()
    .items.map(({ kind, what, detail }) => `${kind} ${what} ${detail}`)
}
const repaired = async () => {
  const payload = { chain_id: 31337, facts: [], manifests: [], escrows: [escrow_address] }
  const answer = await app.inject({ method: 'POST', url: '/ranges/repair', payload })
  assert.equal(answer.statusCode, 200, answer.body)
  return answer.json<AnswerOf<typeof repairRange>>().written
}
const sql = () => parts.sql
const screenings = () => sql()`select address, result, list, list_version from screenings order by address`
const announced = async () => (await sql()`select from outbox`).count

test('parties and screenings that are missing are written, as they were, and nothing is announced again', async () => {
  assert.deepEqual(await faults(), [])
  const [before, told] = [await screenings(), await announced()]
  await sql()`delete from escrow_parties where role = 'payee'`
  await sql()`delete from screenings where address in (${payee}, ${arbiter})`
  assert.deepEqual((await faults()).toSorted(), [
    `missing party payee ${payee}`,
    ...[arbiter, payee].map(address => `missing screening screening of ${address}`).toSorted()
  ])
  assert.equal(await repaired(), 3)
  assert.deepEqual(await faults(), [])
  assert.deepEqual([...(await screenings())], [...before])
  assert.equal(await announced(), told)
})

test('a verdict that its list doesn’t give is named, and left; one by another list isn’t judged', async () => {
  await sql()`update screenings set result = 'clear', list = null where address = ${payee}`
  await sql()`update screenings set list_sha256 = ${'0'.repeat(64)}, result = 'match', list = 'old' where address = ${payer}`
  await sql()`update escrow_parties set status = 'released' where role = 'arbiter'`
  const wrong = [
    `altered party arbiter ${arbiter}: status is "released", the facts give "funded"`,
    `altered screening screening of ${payee}: result is clear, list one gives match`
  ]
  assert.deepEqual((await faults()).toSorted(), wrong)
  assert.equal(await repaired(), 0)
  assert.deepEqual((await faults()).toSorted(), wrong)
})
