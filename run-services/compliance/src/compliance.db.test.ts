import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import type { EscrowFact } from '@fusion-prime/events'
import { atLevel, createFact, pushOf, testAddress } from '@fusion-prime/local/testing/facts.ts'
import type { TestParts } from '@fusion-prime/local/testing/service.ts'
import { createCompliance } from './app.ts'
import { createTestCompliance, type TestCompliance } from './testing.ts'

let compliance: TestCompliance
let parts: TestParts
let app: ReturnType<typeof createCompliance>
let sanctions: TestCompliance['deps']['sanctions']
let world: TestCompliance['world']
before(async () => {
  compliance = await createTestCompliance()
  parts = compliance.parts
  world = compliance.world
  sanctions = compliance.deps.sanctions
  app = createCompliance(compliance.deps)
})
after(async () => {
  await app?.close()
  await parts?.close()
})

const publish = (version: string, addresses: readonly string[]) => compliance.publish(version, { addresses })

const handled = async (fact: EscrowFact, by = app) => {
  const answer = await by.inject(pushOf('escrow-events-compliance', fact))
  assert.equal(answer.statusCode, 204)
}
type View = {
  address: string
  result: string
  list: string | null
  list_version: string | null
  screened_at: string
  escrows: object[]
}
const screening = async (address: string): Promise<View> => {
  const answer = await app.inject(`/screenings/${address}`)
  assert.equal(answer.statusCode, 200, answer.body)
  return answer.json()
}
const stored = async (address: string) => {
  const [row] = await parts.sql`select result, list, list_version from screenings where address = ${address}`
  return row && Object.values(row)
}
const partiesIn = async (escrow_address: string) => [
  ...(await parts.sql`
    select chain_id, role, address, status from escrow_parties
    where escrow_address = ${escrow_address} order by chain_id, role, address collate "C"`)
]

/** An escrow of its own, with the names of its parties. */
function escrowOf(name: string) {
  const escrow_address = testAddress(`${name} escrow`)
  const [payer, payee, arbiter] = [`${name} payer`, `${name} payee`, `${name} arbiter`].map(testAddress) as [
    string,
    string,
    string
  ] // as many as names
  const deployed = createFact('EscrowDeployed', { escrow_address, payer, payee, arbiter })
  return { escrow_address, payer, payee, arbiter, deployed }
}

test('a sanctioned payee is a match as soon as the escrow is seen; the others are clear', async () => {
  const { deployed, escrow_address, payer, payee, arbiter } = escrowOf('sanctioned')
  await publish('sanctioned', [payee.toUpperCase().replace('X', 'x')])
  await handled(deployed)
  assert.deepEqual(await stored(payee), ['match', 'OFAC SDN', 'sanctioned'])
  for (const address of [payer, arbiter]) assert.deepEqual(await stored(address), ['clear', null, 'sanctioned'])
  const escrows = [{ chain_id: 31337, escrow_address, status: 'funded' }]
  const expected = { address: payee, result: 'match', list: 'OFAC SDN', list_version: 'sanctioned' }
  assert.deepEqual(await screening(payee), { ...expected, screened_at: world.now.toISOString(), escrows })
  const lines = parts.lines.filter(line => line.message === 'sanctioned_address')
  assert.deepEqual(
    lines.map(line => [line.severity, line.address]),
    [['ERROR', payee]]
  )
})

test('without a list that may be used everybody is unknown, and is screened anew when there is one', async () => {
  const { deployed, payer, payee } = escrowOf('no list')
  const known = testAddress('known before')
  const matched = testAddress('matched before')
  await publish('good days', [matched])
  for (const address of [known, matched]) await screening(address)
  world.now = new Date(world.now.getTime() + 25 * 3_600_000)
  await handled(deployed)
  for (const address of [payer, payee]) assert.deepEqual(await stored(address), ['unknown', null, null])
  for (const address of [payer, known, testAddress('never met')]) {
    const { result, list, list_version } = await screening(address)
    assert.deepEqual([result, list, list_version], ['unknown', null, null])
  }
  assert.deepEqual([(await screening(matched)).result, (await screening(matched)).list_version], ['match', 'good days'])
  const details = await app.inject('/health/detailed')
  assert.equal(details.statusCode, 200)
  assert.deepEqual(details.json().sanctions, sanctions.status())
  assert.deepEqual([sanctions.status().usable, sanctions.status().reason], [false, 'the list is older than 24 h'])

  await publish('back again', [payee])
  assert.equal((await screening(payer)).result, 'clear')
  assert.equal((await screening(payee)).result, 'match')
  assert.equal((await screening(matched)).result, 'clear')
})

test('addresses of other chains are screened too, in their own letter case', async () => {
  const bitcoin = '13f59kUM5FU8MfTG7DCEugYarDhSD7XCoC'
  await publish('bitcoin', [bitcoin])
  assert.equal((await screening(bitcoin)).result, 'match')
  assert.equal((await screening(bitcoin.toLowerCase())).result, 'clear')
})

test('when OFAC’s list changes, known addresses are screened again', async () => {
  const file = new URL('../test-vectors/ofac-changes.json', import.meta.url)
  const { cases }: { cases: { id: string; added: string[]; removed: string[] }[] } = JSON.parse(
    await readFile(file, 'utf8')
  )
  const addressOf = (id: string) => id.split(':')[1] ?? ''
  const listed = new Set<string>()
  const met = new Set(cases.flatMap(one => [...one.added, ...one.removed]).map(addressOf))
  for (const { id, added, removed } of cases) {
    for (const one of added) listed.add(addressOf(one))
    for (const one of removed) listed.delete(addressOf(one))
    world.now = new Date(world.now.getTime() + 60_000)
    await publish(id, [...listed])
    for (const address of met) {
      const { result, list_version, screened_at } = await screening(address)
      assert.deepEqual([result, list_version], [listed.has(address) ? 'match' : 'clear', id], address)
      assert.equal(screened_at, world.now.toISOString())
    }
  }
})

test('a fact screens its parties again by a new list, and leaves them alone otherwise', async () => {
  const { deployed, escrow_address, arbiter } = escrowOf('contact')
  await publish('contact 1', [testAddress('somebody')])
  await handled(deployed)
  const first = await screening(arbiter)
  world.now = new Date(world.now.getTime() + 60_000)
  await handled(createFact('ApprovalGranted', { escrow_address, block_number: 2 }))
  assert.deepEqual((await screening(arbiter)).screened_at, first.screened_at)
  await publish('contact 2', [arbiter])
  await handled(createFact('ApprovalGranted', { escrow_address, block_number: 3 }))
  assert.deepEqual(await stored(arbiter), ['match', 'OFAC SDN', 'contact 2'])
})

test('an instance with an older list doesn’t undo what a newer one said', async () => {
  const address = testAddress('two instances')
  await publish('two instances old', [testAddress('somebody')])
  const older = world.text
  world.now = new Date(world.now.getTime() + 60_000)
  await publish('two instances new', [address])
  assert.equal((await screening(address)).result, 'match')
  world.text = older
  await sanctions.refresh()
  assert.deepEqual(
    [(await screening(address)).result, (await screening(address)).list_version],
    ['match', 'two instances new']
  )
})

test('facts in any order, one by one or at once, give the same parties', async () => {
  await publish('any order', [testAddress('somebody')])
  const { deployed, escrow_address, payee, arbiter } = escrowOf('any order')
  const [second, third] = [testAddress('second arbiter'), testAddress('third arbiter')]
  const changed = createFact('ArbiterChanged', {
    escrow_address,
    block_number: 2,
    old_arbiter: arbiter,
    new_arbiter: second
  })
  const undone = createFact('ArbiterChanged', {
    escrow_address,
    block_number: 3,
    old_arbiter: second,
    new_arbiter: third
  })
  const released = createFact('EscrowReleased', { escrow_address, block_number: 4, payee })
  const facts = [deployed, changed, undone, atLevel(undone, 'reverted'), released]
  const orders = [
    facts,
    [...facts].reverse(),
    facts.map((_, index) => facts[(index * 3 + 2) % facts.length] ?? deployed)
  ]
  for (const [index, order] of orders.entries()) for (const fact of order) await handled(onChain(fact, 100 + index))
  await Promise.all(facts.map(fact => handled(onChain(fact, 103))))
  const byChain = Object.groupBy(await partiesIn(escrow_address), row => row.chain_id)
  const [first, ...others] = Object.values(byChain).map(rows => rows?.map(({ chain_id: _, ...rest }) => rest))
  assert.deepEqual(
    first?.map(row => row.status),
    ['released', 'released', 'released', 'released']
  )
  const arbiters = first?.filter(row => row.role === 'arbiter').map(row => row.address)
  assert.deepEqual(arbiters, [arbiter, second].sort())
  assert.deepEqual(others, [first, first, first])
  assert.equal((await screening(second)).escrows.length, 4)
})

/** The same fact on another chain: an escrow of its own at the same address. */
const onChain = (fact: EscrowFact, chain_id: number): EscrowFact =>
  atLevel({ ...fact, chain_id }, fact.finality, fact.incarnation)

test('two instances that get the facts of escrows with common parties at once lose none', async () => {
  const other = createCompliance(compliance.deps)
  for (let round = 0; round < 20; round += 1) {
    await publish(`two at once ${round}`, [testAddress('somebody')])
    const escrows = ['a', 'b', 'c'].map(name => escrowOf(`two at once ${name} ${round}`))
    const common = { payer: testAddress('common payer'), payee: testAddress('common payee') }
    const facts = escrows.flatMap(({ deployed, escrow_address, arbiter }, index) => [
      { ...deployed, ...(index % 2 === 0 ? common : { payer: common.payee, payee: common.payer }) },
      createFact('ArbiterChanged', { escrow_address, block_number: 2, old_arbiter: arbiter })
    ])
    await Promise.all(facts.map((fact, index) => handled(fact, [app, other, other, app][index % 4])))
    for (const { escrow_address } of escrows) {
      const parties = await partiesIn(escrow_address)
      assert.deepEqual(
        parties.map(row => row.status),
        ['funded', 'funded', 'funded', 'funded']
      )
    }
  }
  await other.close()
  assert.deepEqual(
    parts.lines.filter(line => line.message === 'message_handling_failed'),
    []
  )
})

test('a reverted escrow is nobody’s, whichever came first; a second incarnation brings it back; the screening stays', async () => {
  const { deployed, escrow_address, payer } = escrowOf('reverted')
  const revert = atLevel(deployed, 'reverted')
  for (const fact of [deployed, revert]) await handled(fact)
  for (const fact of [revert, deployed]) await handled(onChain(fact, 200))
  assert.deepEqual(await partiesIn(escrow_address), [])
  const { result, escrows } = await screening(payer)
  assert.deepEqual([result, escrows], ['clear', []])
  await handled(atLevel(deployed, 'seen', 2))
  assert.deepEqual((await screening(payer)).escrows, [{ chain_id: 31337, escrow_address, status: 'funded' }])
})

test('a duplicate is counted once and changes nothing', async () => {
  const { deployed, escrow_address, payer } = escrowOf('duplicate')
  await handled(deployed)
  const before = await screening(payer)
  world.now = new Date(world.now.getTime() + 60_000)
  await Promise.all([handled(deployed), handled(deployed)])
  assert.deepEqual(await screening(payer), before)
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

test('who has two roles in an escrow has it once; escrows are listed by chain and address', async () => {
  const payer = testAddress('busy payer')
  const escrowAddresses = ['a', 'b', 'c'].map(name => testAddress(`busy ${name}`))
  for (const chain_id of [9, 10])
    for (const escrow_address of escrowAddresses)
      await handled(createFact('EscrowDeployed', { chain_id, escrow_address, payer, arbiter: payer }))
  const expected = [9, 10].flatMap(chain_id =>
    [...escrowAddresses].sort().map(escrow_address => ({ chain_id, escrow_address, status: 'funded' }))
  )
  assert.deepEqual((await screening(payer)).escrows, expected)
})

test('addresses are read in any case with a valid checksum; an address never met is screened and remembered', async () => {
  const lower = '0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed' // EIP-55's first example
  assert.equal(await stored(lower), undefined)
  for (const text of [
    '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
    lower,
    '0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED'
  ]) {
    const { address, result, escrows } = await screening(text)
    assert.deepEqual([address, result, escrows], [lower, 'clear', []])
  }
  assert.equal((await stored(lower))?.[0], 'clear')
  for (const text of [
    '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed',
    lower.slice(2),
    `ethereum:${lower}`,
    '0x12',
    'somebody',
    `0x${'g'.repeat(40)}`
  ]) {
    assert.equal((await app.inject(`/screenings/${text}`)).statusCode, 400)
  }
})
