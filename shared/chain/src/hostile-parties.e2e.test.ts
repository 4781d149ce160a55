import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { encodeDeployData, encodeFunctionData } from 'viem'
import { AMOUNT, createFixture, type Fixture, REFUND_DELAY } from './contracts-fixture.ts'
import {
  type Address,
  bothPartiesAbi,
  bothPartiesBytecode,
  decodeLog,
  escrowAbi,
  escrowBytecode,
  type Hex,
  reentererAbi,
  reentererBytecode,
  refusingPartyAbi,
  refusingPartyBytecode
} from './index.ts'

let fixture: Fixture
before(async () => {
  fixture = await createFixture()
})
after(() => fixture?.chain.stop())

test('two parties approve in one transaction: two logs of one transaction, both count', async () => {
  const { client, roles, factory, deploy, send, reader } = fixture
  const parties = await deploy(bothPartiesAbi, bothPartiesBytecode)
  const create = encodeFunctionData({ abi: bothPartiesAbi, functionName: 'create', args: [factory, 0n] })
  const escrow = await deployed({ to: parties, data: create, value: AMOUNT })
  const approveBoth = encodeFunctionData({ abi: bothPartiesAbi, functionName: 'approveBoth', args: [escrow] })
  const { logs } = await send({ to: parties, data: approveBoth })
  const { payee } = await client.readEscrow(escrow)
  assert.deepEqual(logs.map(approverOf), [parties, payee])
  await client.release({ from: roles.stranger, escrow })
  assert.equal(await reader.getBalance({ address: payee }), AMOUNT)
})

test('a payee that calls back while it is paid is paid once, also where more lies in the escrow', async () => {
  const { client, roles, deploy, factory, clock, reader } = fixture
  const payee = await deploy(reentererAbi, reentererBytecode)
  const from = roles.payer
  const { escrow } = await client.createEscrow({ from, factory, payee, amount: AMOUNT })
  await client.approve({ from, escrow })
  await clock.setBalance({ address: escrow, value: AMOUNT * 3n })
  await client.release({ from, escrow })
  assert.deepEqual(await reentries(payee), { payments: 1n, successes: 0n })
  assert.equal(await reader.getBalance({ address: payee }), AMOUNT)
})

test('a payer that calls back while it is refunded is refunded once', async () => {
  const { roles, deploy, factory, send, setTime, reader } = fixture
  const payer = await deploy(reentererAbi, reentererBytecode)
  const create = encodeFunctionData({ abi: reentererAbi, functionName: 'create', args: [factory, roles.payee] })
  const escrow = await deployed({ to: payer, data: create, value: AMOUNT })
  await setTime(escrow, REFUND_DELAY)
  const refund = encodeFunctionData({ abi: reentererAbi, functionName: 'refund', args: [escrow] })
  assert.equal((await send({ to: payer, data: refund })).status, 'success')
  assert.deepEqual(await reentries(payer), { payments: 1n, successes: 0n })
  assert.equal(await reader.getBalance({ address: payer }), AMOUNT)
})

test('a payee that takes no ether blocks its release, not the refund', async () => {
  const { client, roles, deploy, factory, setTime, reader } = fixture
  const payee = await deploy(refusingPartyAbi, refusingPartyBytecode)
  const from = roles.payer
  const { escrow } = await client.createEscrow({ from, factory, payee, amount: AMOUNT })
  await client.approve({ from, escrow })
  await assert.rejects(client.release({ from, escrow }), { code: 'TransferFailed' })
  assert.equal((await client.readEscrow(escrow)).status, 'active')
  await setTime(escrow, REFUND_DELAY)
  await client.refund({ from, escrow })
  assert.equal(await reader.getBalance({ address: escrow }), 0n)
})

test('a payer that takes no ether blocks its refund, not the release', async () => {
  const { client, roles, deploy, factory, send, setTime } = fixture
  const payer = await deploy(refusingPartyAbi, refusingPartyBytecode)
  const create = encodeFunctionData({ abi: refusingPartyAbi, functionName: 'create', args: [factory, roles.payee] })
  const escrow = await deployed({ to: payer, data: create, value: AMOUNT })
  await setTime(escrow, REFUND_DELAY)
  const refund = encodeFunctionData({ abi: refusingPartyAbi, functionName: 'refund', args: [escrow] })
  assert.equal((await send({ to: payer, data: refund })).status, 'reverted')
  assert.equal((await client.readEscrow(escrow)).status, 'active')
})

test('neither escrow nor factory takes plain ether or unknown calls', async () => {
  const { client, roles, factory, send } = fixture
  const { payer: from, payee } = roles
  const { escrow } = await client.createEscrow({ from, factory, payee, amount: AMOUNT })
  for (const to of [escrow, factory]) {
    assert.equal((await send({ to, value: 1n })).status, 'reverted')
    assert.equal((await send({ to, data: '0xdeadbeef' })).status, 'reverted')
  }
  const approve = encodeFunctionData({ abi: escrowAbi, functionName: 'approve' })
  assert.equal((await send({ to: escrow, data: approve, value: 1n })).status, 'reverted')
})

test('ether that was forced in is not part of the deposit and opens nothing', async () => {
  const { client, roles, factory, clock, reader } = fixture
  const { payer: from, payee } = roles
  const { escrow } = await client.createEscrow({ from, factory, payee, amount: AMOUNT })
  await clock.setBalance({ address: escrow, value: AMOUNT * 3n })
  await client.approve({ from, escrow })
  const balance = await reader.getBalance({ address: payee })
  await client.release({ from: roles.stranger, escrow })
  assert.equal(await reader.getBalance({ address: payee }), balance + AMOUNT)
})

test('an escrow deployed without the factory keeps the same rules', async () => {
  const { roles, send } = fixture
  const { payer, payee, nobody, stranger } = roles
  const tooLong = 36_500n * 86_400n + 1n
  const status = async (value: bigint, ...args: [Address, Address, Address, bigint, bigint, number]) => {
    const receipt = await send({ data: encodeDeployData({ abi: escrowAbi, bytecode: escrowBytecode, args }), value })
    return receipt.status
  }
  assert.equal(await status(1n, payer, payee, nobody, 0n, 0n, 1), 'success')
  assert.equal(await status(0n, payer, payee, nobody, 0n, 0n, 1), 'reverted')
  assert.equal(await status(1n, nobody, payee, stranger, 0n, 0n, 1), 'reverted')
  assert.equal(await status(1n, payer, payer, nobody, 0n, 0n, 1), 'reverted')
  assert.equal(await status(1n, payer, payee, nobody, 0n, 0n, 3), 'reverted')
  assert.equal(await status(1n, payer, payee, nobody, 0n, tooLong, 1), 'reverted')
})

test('an action on an address without a contract is an error, not a transaction that does nothing', async () => {
  const { client, roles, chain } = fixture
  const missing = client.approve({ from: roles.payer, escrow: roles.payee })
  await assert.rejects(missing, {
    code: 'NoContract',
    message: new RegExp(`${roles.payee} on the chain of ${chain.rpcUrl}`)
  })
})

async function deployed(call: { to: Address; data: Hex; value: bigint }): Promise<Address> {
  const { logs } = await fixture.send(call)
  const [decoded] = logs.map(log => decodeLog(log))
  assert.ok(decoded?.kind === 'event' && decoded.event === 'EscrowDeployed')
  return decoded.args.escrow
}

function approverOf(log: { topics: readonly Hex[]; data: Hex }): Address | undefined {
  const decoded = decodeLog(log)
  return decoded.kind === 'event' && decoded.event === 'ApprovalGranted' ? decoded.args.approver : undefined
}

async function reentries(address: Address) {
  const contract = { address, abi: reentererAbi } as const
  const payments = await fixture.reader.readContract({ ...contract, functionName: 'payments' })
  return { payments, successes: await fixture.reader.readContract({ ...contract, functionName: 'successes' }) }
}
