import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { AMOUNT, createFixture, type Fixture, REFUND_DELAY, type Role } from './contracts-fixture.ts'
import { type Address, decodeLog, escrowFactoryAbi, escrowFactoryBytecode, type Hash, type NewEscrow } from './index.ts'

const MAX_DELAY = 36_500n * 86_400n

let fixture: Fixture
before(async () => {
  fixture = await createFixture()
})
after(() => fixture?.chain.stop())

const terms = {
  one: {},
  'one, with arbiter': { arbiter: 'arbiter' },
  'one, late': { releaseDelay: 5_000n },
  two: { approvalsRequired: 2 },
  'two, with arbiter': { approvalsRequired: 2, arbiter: 'arbiter' },
  three: { approvalsRequired: 3, arbiter: 'arbiter' }
} satisfies Record<string, Partial<Omit<NewEscrow, 'arbiter'>> & { arbiter?: Role }>

/** Terms, what happened before, the action, and the error that refuses it or `done`. */
const rules: [keyof typeof terms, string, string, string][] = [
  ['one', '', 'payer approves', 'done'],
  ['one', '', 'payee approves', 'NotAnApprover'],
  ['one, with arbiter', '', 'arbiter approves', 'NotAnApprover'],
  ['two', '', 'payee approves', 'done'],
  ['two, with arbiter', '', 'arbiter approves', 'NotAnApprover'],
  ['three', '', 'arbiter approves', 'done'],
  ['three', '', 'stranger approves', 'NotAnApprover'],
  ['three', 'payer approves', 'payer approves', 'AlreadyApproved'],
  ['two', 'payer approves, payee approves, payer releases', 'payer approves', 'AlreadyEnded'],
  ['one', 'refund time, payer refunds', 'payer approves', 'AlreadyEnded'],

  ['one', 'payer approves', 'stranger releases', 'done'],
  ['one', '', 'payer releases', 'NotEnoughApprovals'],
  ['two', 'payer approves', 'payer releases', 'NotEnoughApprovals'],
  ['three', 'payer approves, payee approves', 'payer releases', 'NotEnoughApprovals'],
  ['three', 'arbiter approves, payee approves, payer approves', 'payee releases', 'done'],
  ['one, late', 'payer approves, before release time', 'payer releases', 'TooEarly'],
  ['one, late', 'payer approves, release time', 'payer releases', 'done'],
  ['one', 'payer approves, payer releases', 'payer releases', 'AlreadyEnded'],
  ['one', 'payer approves, refund time, payer refunds', 'payer releases', 'AlreadyEnded'],

  ['one, late', 'before refund time', 'payer refunds', 'TooEarly'],
  ['one, late', 'refund time', 'payer refunds', 'done'],
  ['one', 'payer approves, refund time', 'payer refunds', 'done'],
  ['one', 'refund time', 'payee refunds', 'NotPayer'],
  ['three', 'refund time', 'arbiter refunds', 'NotPayer'],
  ['one', 'refund time, payer refunds', 'payer refunds', 'AlreadyEnded'],
  ['one', 'payer approves, payer releases, refund time', 'payer refunds', 'AlreadyEnded'],

  ['three', '', 'arbiter names successor', 'done'],
  ['one, with arbiter', '', 'arbiter names successor', 'done'],
  ['three', 'arbiter names successor', 'successor names arbiter', 'done'],
  ['three', '', 'payer names successor', 'NotArbiter'],
  ['one', '', 'payer names successor', 'NotArbiter'],
  ['three', 'arbiter names successor', 'arbiter names stranger', 'NotArbiter'],
  ['three', '', 'arbiter names nobody', 'InvalidArbiter'],
  ['three', '', 'arbiter names payer', 'InvalidArbiter'],
  ['three', '', 'arbiter names payee', 'InvalidArbiter'],
  ['three', '', 'arbiter names arbiter', 'InvalidArbiter'],
  ['one, with arbiter', 'payer approves, payer releases', 'arbiter names successor', 'AlreadyEnded'],
  ['three', 'arbiter names successor', 'successor approves', 'done'],
  ['three', 'arbiter names successor', 'arbiter approves', 'NotAnApprover'],
  ['three', 'arbiter approves, arbiter names successor', 'successor approves', 'AlreadyApproved'],
  ['three', 'arbiter approves, arbiter names successor, payer approves, payee approves', 'payer releases', 'done']
]

for (const [name, given, when, outcome] of rules) {
  test(`${name} required${given && `, ${given}`}: ${when}: ${outcome}`, async () => {
    const escrow = await create(terms[name])
    for (const step of given.split(', ').filter(Boolean)) await take(escrow, step)
    if (outcome === 'done') await take(escrow, when)
    else await assert.rejects(take(escrow, when), { name: 'EscrowError', code: outcome })
  })
}

const refusedTerms: [string, (roles: Fixture['roles']) => Partial<NewEscrow>, string][] = [
  ['no deposit', () => ({ amount: 0n }), 'NoDeposit'],
  ['no payee', ({ nobody }) => ({ payee: nobody }), 'InvalidPayee'],
  ['the payer as payee', ({ payer }) => ({ payee: payer }), 'InvalidPayee'],
  ['the payer as arbiter', ({ payer }) => ({ arbiter: payer }), 'InvalidArbiter'],
  ['the payee as arbiter', ({ payee }) => ({ arbiter: payee }), 'InvalidArbiter'],
  ['three approvals and no arbiter', () => ({ approvalsRequired: 3 }), 'InvalidArbiter'],
  ['a delay a second beyond the limit', () => ({ releaseDelay: MAX_DELAY + 1n }), 'DelayTooLong'],
  ['a delay that would overflow', () => ({ releaseDelay: 2n ** 256n - 1n }), 'DelayTooLong']
]

for (const [name, change, code] of refusedTerms) {
  test(`an escrow with ${name} is refused: ${code}`, async () => {
    await assert.rejects(create(change(fixture.roles)), { name: 'EscrowError', code })
  })
}

for (const count of [0, 4, 255]) {
  test(`${count} approvals can't be required`, async () => {
    // The type forbids it; the contract must too.
    const approvalsRequired = count as 1
    await assert.rejects(create({ approvalsRequired }), { code: 'InvalidApprovalsRequired' })
  })
}

test('the longest delays work, and a factory with a longer one is refused', async () => {
  const { client, roles, deploy } = fixture
  const factory = await deploy(escrowFactoryAbi, escrowFactoryBytecode, [MAX_DELAY])
  const escrow = await create({ factory, releaseDelay: MAX_DELAY })
  const { releaseTime, refundTime } = await client.readEscrow(escrow)
  assert.equal(refundTime - releaseTime, MAX_DELAY)
  const tooLong = client.deployFactory({ from: roles.payer, refundDelay: MAX_DELAY + 1n })
  await assert.rejects(tooLong, { code: 'DelayTooLong' })
})

test('every action writes exactly its event, with its block time, and moves exactly the deposit', async () => {
  const { client, roles, factory, logsOf, reader } = fixture
  const { payer, payee, arbiter, successor, stranger: from } = roles
  const created = await client.createEscrow({
    ...{ from: payer, factory, payee, arbiter, amount: AMOUNT, approvalsRequired: 3, releaseDelay: 7n }
  })
  const { escrow } = created
  const eventsOf = async (hash: `0x${string}`) =>
    (await logsOf(hash)).map(log => {
      const decoded = decodeLog(log)
      return decoded.kind === 'event' ? [log.address, decoded.name, decoded.args] : [decoded.kind]
    })
  assert.deepEqual(await eventsOf(created.transactionHash), [
    [
      factory,
      'EscrowDeployed',
      { escrow, payer, payee, arbiter, amount: AMOUNT, releaseDelay: 7n, approvalsRequired: 3 }
    ]
  ])
  const named = await client.changeArbiter({ from: arbiter, escrow, arbiter: successor })
  assert.deepEqual(await eventsOf(named.transactionHash), [
    [escrow, 'ArbiterChanged', { oldArbiter: arbiter, newArbiter: successor }]
  ])
  for (const approver of [payer, payee, successor]) {
    const { transactionHash } = await client.approve({ from: approver, escrow })
    assert.deepEqual(await eventsOf(transactionHash), [[escrow, 'ApprovalGranted', { approver }]])
  }
  await fixture.setTime(escrow, 3n)
  const balance = await reader.getBalance({ address: payee })
  const released = await client.release({ from, escrow })
  const { releaseTime, status } = await client.readEscrow(escrow)
  assert.deepEqual(await eventsOf(released.transactionHash), [
    [escrow, 'EscrowReleased', { payee, amount: AMOUNT, timestamp: releaseTime + 3n }]
  ])
  assert.equal(status, 'released')
  assert.equal(await reader.getBalance({ address: payee }), balance + AMOUNT)
  assert.equal(await reader.getBalance({ address: escrow }), 0n)

  const other = await create({})
  await fixture.setTime(other, REFUND_DELAY)
  const refunded = await client.refund({ from: payer, escrow: other })
  const { refundTime } = await client.readEscrow(other)
  assert.deepEqual(await eventsOf(refunded.transactionHash), [
    [other, 'EscrowRefunded', { payer, amount: AMOUNT, timestamp: refundTime }]
  ])
  assert.equal(await reader.getBalance({ address: other }), 0n)
})

test('escrows that one payer creates at the same time are all created', async () => {
  const created = await Promise.all(Array.from({ length: 12 }, () => create({})))
  assert.equal(new Set(created).size, 12)
})

test('what the node forgets is sent again, and nothing takes its nonce meanwhile', async () => {
  const { clock } = fixture
  await clock.setAutomine(false)
  const first = create({})
  await clock.dropTransaction({ hash: await pooled() })
  const second = create({})
  await pooled()
  await clock.setIntervalMining({ interval: 1 })
  assert.notEqual(await first, await second)
  await clock.setIntervalMining({ interval: 0 })
  await clock.setAutomine(true)
})

/** The transaction that waits at the node, as soon as there is one. */
async function pooled(): Promise<Hash> {
  for (;;) {
    const { pending, queued } = await fixture.clock.getTxpoolContent()
    const [waiting] = [pending, queued].flatMap(Object.values).flatMap(Object.values)
    if (waiting) return waiting.hash
    await sleep(20)
  }
}

type Options = Partial<Omit<NewEscrow, 'arbiter'>> & { arbiter?: Role | Address }

async function create({ arbiter = 'nobody', ...options }: Options): Promise<Address> {
  const { client, roles, factory } = fixture
  const named = isRole(arbiter) ? roles[arbiter] : arbiter
  const sound = { from: roles.payer, factory, payee: roles.payee, amount: AMOUNT }
  return (await client.createEscrow({ ...sound, arbiter: named, ...options })).escrow
}

const isRole = (text: string): text is Role => Object.hasOwn(fixture.roles, text)

async function take(escrow: Address, step: string): Promise<void> {
  const { client, roles, setTime } = fixture
  const times: Record<string, bigint> = { release: 0n, refund: REFUND_DELAY }
  const time = /^(before )?(release|refund) time$/.exec(step)
  if (time) return setTime(escrow, (times[time[2] ?? ''] ?? 0n) - (time[1] ? 1n : 0n))
  const [by = '', does, other = 'nobody'] = step.split(' ')
  if (!isRole(by) || !isRole(other)) throw new Error(`no such role: ${step}`)
  const action = { from: roles[by], escrow }
  if (does === 'approves') await client.approve(action)
  else if (does === 'releases') await client.release(action)
  else if (does === 'refunds') await client.refund(action)
  else if (does === 'names') await client.changeArbiter({ ...action, arbiter: roles[other] })
  else throw new Error(`no such step: ${step}`)
}
