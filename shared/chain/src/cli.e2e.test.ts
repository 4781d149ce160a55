import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { runCli } from './cli.ts'
import { createFixture, type Fixture, REFUND_DELAY } from './contracts-fixture.ts'

/** The well-known key of a local chain's first account: it holds nothing anywhere else. */
const PAYERS_KEY = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'

let fixture: Fixture
let folder: string

before(async () => {
  fixture = await createFixture()
  folder = await mkdtemp(join(tmpdir(), 'fusion-prime-cli-'))
  await mkdir(join(folder, '.local'))
  const { chain, factory } = fixture
  const stack = { rpc_url: chain.rpcUrl, chain_id: chain.chainId, factory, accounts: chain.accounts }
  await writeFile(join(folder, '.local/stack.json'), JSON.stringify(stack))
})

after(async () => {
  await fixture?.chain.stop()
  if (folder) await rm(folder, { recursive: true })
})

async function escrow(line: string, { env = {}, cwd = folder }: { env?: NodeJS.ProcessEnv; cwd?: string } = {}) {
  const out: string[] = []
  const err: string[] = []
  const args = line.split(' ').filter(Boolean)
  const code = await runCli(args, { env, cwd, print: text => out.push(text), complain: text => err.push(text) })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

async function json(line: string, env: NodeJS.ProcessEnv = {}) {
  const { code, out, err } = await escrow(`${line} --json`, { env })
  assert.equal(code, 0, err)
  return JSON.parse(out)
}

test('an escrow lives its life by the usual accounts', async () => {
  const { payer, payee, arbiter, successor } = fixture.roles
  const created = await json('create --amount 1.5 --approvals 3')
  assert.match(created.transaction_hash, /^0x[0-9a-f]{64}$/)
  assert.equal(created.from, payer)
  const address = created.escrow
  assert.equal((await json(`approve ${address}`)).from, payer)
  assert.equal((await json(`approve ${address} --as payee`)).from, payee)
  assert.equal((await json(`arbiter ${address} ${successor}`)).from, arbiter)
  assert.equal((await json(`approve ${address} --as arbiter`)).from, successor)
  const before = await json(`show ${address}`)
  assert.equal(before.amount, '1.5')
  assert.equal(before.approvals, 3)
  assert.equal(before.arbiter, successor)
  assert.equal((await json(`release ${address} --from 5`)).from, fixture.chain.accounts[5])
  assert.equal((await json(`show ${address}`)).status, 'released')
})

test('a refund, by an address written in any case', async () => {
  const { payer, payee } = fixture.roles
  const upper = `0x${payee.slice(2).toUpperCase()}`
  const { escrow: address } = await json(`create --amount 0.1 --payee ${upper} --arbiter none`)
  await fixture.setTime(address, REFUND_DELAY)
  assert.equal((await json(`refund ${address}`)).from, payer)
})

test('defaults step aside for who is named already', async () => {
  const { chain } = fixture
  const { escrow: address } = await json('create --amount 1 --from 1')
  const { payer, payee, arbiter } = await json(`show ${address}`)
  assert.deepEqual([payer, payee, arbiter], [chain.accounts[1], chain.accounts[0], chain.accounts[2]])
})

test('any chain by its URL, signed with a key from the environment', async () => {
  const { chain, factory, roles } = fixture
  const line = `create --rpc-url ${chain.rpcUrl} --factory ${factory} --payee ${roles.payee} --amount 2`
  const { escrow: address, from } = await json(line, { PRIVATE_KEY: PAYERS_KEY })
  assert.equal(from, roles.payer)
  assert.equal((await json(`approve ${address}`, { PRIVATE_KEY: PAYERS_KEY })).from, roles.payer)
})

test('for people there is a line per fact', async () => {
  const { code, out } = await escrow('create --amount 1')
  assert.equal(code, 0)
  assert.match(
    out,
    /^escrow +0x[0-9a-f]{40}\nfrom +0x[0-9a-f]{40}\ntransaction_hash +0x[0-9a-f]{64}\nblock_number +\d+$/
  )
})

test('help tells all commands, and of each its options', async () => {
  const { code, out } = await escrow('--help', { cwd: tmpdir() })
  assert.equal(code, 0)
  for (const name of ['create', 'approve', 'release', 'refund', 'arbiter', 'show']) {
    assert.match(out, new RegExp(`^  ${name} `, 'm'))
    const help = await escrow(`${name} --help`, { cwd: tmpdir() })
    assert.equal(help.code, 0)
    assert.match(help.out, /--rpc-url/)
  }
})

const NOBODYS = `0x${'00'.repeat(19)}01`
const refusals: [string, RegExp][] = [
  ['pay', /unknown command "pay": use create, /],
  ['constructor', /unknown command "constructor"/],
  ['create', /--amount, in ETH, is missing/],
  ['create --amount 1,5', /"1,5" is not an amount of ETH/],
  ['create --amount 0', /NoDeposit: an escrow needs an amount above 0/],
  ['create --amount 1 --approvals 4', /--approvals "4" is not 1, 2 or 3/],
  ['create --amount 1 --release-delay soon', /--release-delay "soon" is not a whole number/],
  ['create --amount 1 --payee 0x12', /--payee "0x12" is not an address/],
  ['create --amount 1 --payee 0xF39fd6e51aad88f6f4ce6ab8827279cfffb92266', /right checksum/],
  ['create --amount 1 --arbiter none --approvals 3', /InvalidArbiter: .* three approvals need one/],
  ['create --amount 1 --from 99', /--from 99: there are 10 accounts/],
  ['create --amount 1 --wrong', /Unknown option '--wrong'/],
  ['create --amount 1 extra', /one argument too many: "extra"/],
  ['create --amount 1 --rpc-url nowhere', /"nowhere" is not a URL/],
  ['approve', /ESCROW is missing/],
  [`approve ${NOBODYS}`, /NoContract: there is no contract at 0x0+1 /],
  [`arbiter ${NOBODYS}`, /NEW_ARBITER is missing/],
  [`approve ${NOBODYS} --as bank`, /--as "bank" is not a role: use payer, payee, arbiter/]
]

for (const [line, message] of refusals) {
  test(`"${line}" is refused with a reason`, async () => {
    const { code, out, err } = await escrow(line)
    assert.deepEqual([code, out], [1, ''])
    assert.match(err, message)
    assert.ok(err.startsWith('escrow: ') && !err.includes('\n'), err)
  })
}

test("the contract's refusals are said in words", async () => {
  const { escrow: address } = await json('create --amount 1')
  const stranger = fixture.roles.stranger
  const { code, err } = await escrow(`approve ${address} --from ${stranger}`)
  assert.equal(code, 1)
  assert.equal(err, `escrow: NotAnApprover: ${stranger} may not approve this escrow`)
  assert.match((await escrow(`release ${address}`)).err, /NotEnoughApprovals: 0 of 1 approvals are given/)
  assert.match((await escrow(`refund ${address}`)).err, /TooEarly: not before \d{4}-\d\d-\d\dT/)
})

test('a key that is not one, or not the one asked for, is refused without being shown', async () => {
  const { escrow: address } = await json('create --amount 1')
  const broken = await escrow(`approve ${address}`, { env: { PRIVATE_KEY: 'secret-text' } })
  assert.equal(broken.err, 'escrow: PRIVATE_KEY is not 0x and 64 hex digits')
  const other = await escrow(`approve ${address} --as payee`, { env: { PRIVATE_KEY: PAYERS_KEY } })
  assert.match(other.err, /PRIVATE_KEY belongs to 0x[0-9a-fA-F]{40}, not to 0x7099/)
})

test('without a stack and without a node there is advice', async () => {
  const { code, err } = await escrow('create --amount 1', { cwd: tmpdir() })
  assert.equal(code, 1)
  assert.match(err, /start the local stack with npm start, or give --rpc-url/)
  const gone = await escrow(`approve ${NOBODYS} --rpc-url http://127.0.0.1:1`)
  assert.equal(gone.code, 1)
  assert.match(gone.err, /^escrow: no answer from http:\/\/127.0.0.1:1/)
})
