import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createEscrowClient } from '@fusion-prime/chain'
import { decodeMessage, escrowEvents } from '@fusion-prime/events'
import { deployBothParties, startChain } from '@fusion-prime/local'
import { type Pool, transaction } from '@fusion-prime/postgres'
import { createLog, PermanentError, readConfig } from '@fusion-prime/runtime'
import { createEventRelayer, type EventRelayer } from './app.ts'
import { RelayerConfig } from './config.ts'
import { connectRpc } from './providers/rpc.ts'
import type { Relayed } from './relay.ts'
import { modelDatabase } from './testing/model-relayer.ts'
import { systemClock } from './world.ts'

type Row = { event_id: string; ordering_key: string; data: string; attributes: Record<string, string> }

const CHAIN_ID = 31337
const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))
const ended: (() => Promise<unknown>)[] = []
after(async () => {
  for (const end of ended.reverse()) await end()
})

/** A real chain that mines a block per transaction, with a factory. */
async function freshChain() {
  const chain = await startChain({ blockTime: 'per-transaction' })
  ended.push(() => chain.stop())
  const client = createEscrowClient({ rpcUrl: chain.rpcUrl, chainId: CHAIN_ID })
  const [payer, payee, arbiter] = chain.accounts
  assert.ok(payer && payee && arbiter)
  const { factory } = await client.deployFactory({ from: payer, refundDelay: 0n })
  const rpc = connectRpc({ url: chain.rpcUrl, timeoutMs: 10_000, maxBytes: 10_000_000 })
  const mine = (blocks: number) => rpc('anvil_mine', [`0x${blocks.toString(16)}`])
  return { ...chain, client, payer, payee, arbiter, factory, rpc, mine }
}

async function freshDatabase(): Promise<{ url: string; sql: Pool }> {
  const database = await modelDatabase()
  ended.push(() => database.close())
  return database
}

const settings = ({ url, env = {} }: { url: string; env?: Record<string, string> }) => ({
  CHAIN_ID: String(CHAIN_ID),
  RPC_URLS: chain.rpcUrl,
  ESCROW_FACTORIES: chain.factory,
  START_BLOCK: '0',
  DATABASE_URL: url,
  GOOGLE_CLOUD_PROJECT: 'test',
  MAX_BLOCK_RANGE: '3',
  ...env
})

/** The relayer as a process has it, but for a broker that takes everything. */
function relayerOn(url: string, env?: Record<string, string>): EventRelayer {
  const config = readConfig(RelayerConfig, settings({ url, ...(env && { env }) }))
  return createEventRelayer({
    config,
    log: createLog('relay-test', { write: () => undefined }),
    world: {
      connect: url => connectRpc({ url, timeoutMs: 10_000, maxBytes: 10_000_000 }),
      publisher: { publish: async messages => messages.map(() => undefined), close: async () => undefined },
      clock: systemClock,
      transaction,
      at: () => undefined,
      without: new Set()
    }
  })
}

async function tick(url: string, env?: Record<string, string>): Promise<Relayed> {
  const relayer = relayerOn(url, env)
  try {
    return await relayer.tick()
  } finally {
    await relayer.release()
    await relayer.close()
  }
}

const outbox = (sql: Pool) => sql<Row[]>`
  select event_id, ordering_key, data, attributes from outbox where topic = 'escrow-events' order by seq`
const said = (rows: readonly Row[]) =>
  rows.map(({ attributes }) => `${attributes.event_type} ${attributes.finality} ${attributes.first}`)

let chain: Awaited<ReturnType<typeof freshChain>>
before(async () => {
  chain = await freshChain()
})

test('an escrow’s life becomes facts in chain order, each once, then rises to finalized', async () => {
  const { url, sql } = await freshDatabase()
  const { client, payer, payee, arbiter, factory } = chain
  const { escrow } = await client.createEscrow({
    from: payer,
    factory,
    payee,
    amount: 5n,
    approvalsRequired: 3,
    arbiter
  })
  for (const from of [payer, payee, arbiter]) await client.approve({ from, escrow })
  await client.release({ from: payee, escrow })

  assert.equal((await tick(url)).facts, 5)
  assert.deepEqual(said(await outbox(sql)), [
    'EscrowDeployed safe true',
    ...Array(3).fill('ApprovalGranted seen true'),
    'EscrowReleased seen true'
  ])
  assert.equal((await tick(url)).facts, 0, 'a second tick finds nothing new')

  await chain.mine(20)
  await tick(url)
  const rows = await outbox(sql)
  assert.deepEqual(said(rows.slice(5)), [
    'EscrowDeployed finalized false',
    ...Array(3).fill('ApprovalGranted finalized false'),
    'EscrowReleased finalized false'
  ])
  for (const { data, attributes, ordering_key } of rows) {
    assert.ok('received' in decodeMessage(escrowEvents, { data, attributes }))
    assert.equal(ordering_key, escrow)
    assert.equal(attributes.correlation_id, `escrow:${CHAIN_ID}:${escrow}`)
  }
  assert.equal(new Set(rows.map(row => row.event_id)).size, 10)
})

test('ids are those of WIRE, computed here anew', async () => {
  const { url, sql } = await freshDatabase()
  await tick(url)
  const uuid8 = (text: string) => {
    const hex = createHash('sha256').update(text).digest('hex').slice(0, 32)
    const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16)
    const all = `${hex.slice(0, 12)}8${hex.slice(13, 16)}${variant}${hex.slice(17)}`
    return all.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  }
  const rows = await outbox(sql)
  assert.ok(rows.length > 0)
  for (const { data } of rows) {
    const fact = JSON.parse(data)
    const place = `${fact.chain_id}:${fact.block_hash}:${fact.transaction_hash}:${fact.log_index}`
    assert.equal(fact.fact_id, uuid8(place))
    assert.equal(fact.event_id, uuid8(`${place}:${fact.finality}`))
  }
})

test('two approvals in one transaction are two facts', async () => {
  const { url, sql } = await freshDatabase()
  const parties = await deployBothParties(chain.client, chain.payer)
  const escrow = await parties.create({ factory: chain.factory, amount: 3n })
  await parties.approveBoth(escrow)
  await tick(url)
  const approvals = (await outbox(sql))
    .map(row => JSON.parse(row.data))
    .filter(fact => fact.escrow_address === escrow && fact.event_type === 'ApprovalGranted')
  assert.equal(approvals.length, 2)
  assert.equal(new Set(approvals.map(fact => fact.transaction_hash)).size, 1)
  assert.equal(new Set(approvals.map(fact => fact.approver)).size, 2)
})

test('any size of range and either way of asking for logs gives the same facts', async () => {
  const bodies = async (env: Record<string, string>) => {
    const { url, sql } = await freshDatabase()
    await tick(url, env)
    return (await outbox(sql)).map(row => row.data)
  }
  const expected = await bodies({ MAX_BLOCK_RANGE: '1' })
  assert.ok(expected.length > 5)
  assert.deepEqual(await bodies({ MAX_BLOCK_RANGE: '1000' }), expected)
  assert.deepEqual(await bodies({ MAX_BLOCK_RANGE: '7', MAX_ADDRESSES: '1' }), expected, 'by topics alone')
})

test('two relayers at once: one works, the other stands by, and each fact is told once', async () => {
  const [{ url, sql }, alone] = [await freshDatabase(), await freshDatabase()]
  const relayers = [relayerOn(url), relayerOn(url)]
  try {
    const done = await Promise.all(relayers.map(relayer => relayer.tick()))
    assert.deepEqual(done.map(({ held }) => held).sort(), [false, true])
  } finally {
    for (const relayer of relayers) await relayer.close()
  }
  await tick(alone.url)
  assert.deepEqual(said(await outbox(sql)), said(await outbox(alone.sql)))
})

test('without a checkpoint and START_BLOCK it gives up; with START_BLOCK it begins there', async () => {
  const { url } = await freshDatabase()
  await assert.rejects(
    tick(url, { START_BLOCK: '' }),
    (error: unknown) => error instanceof PermanentError && /START_BLOCK/.test(error.message)
  )
  const all = await tick(url)
  const late = await freshDatabase()
  const some = await tick(late.url, { START_BLOCK: '4' })
  assert.ok(some.facts < all.facts)
})

test('a chain that was reorganised takes back what it dropped, and tells what it has instead', async () => {
  const reorged = await freshChain()
  const env = { RPC_URLS: reorged.rpcUrl, ESCROW_FACTORIES: reorged.factory }
  const { url, sql } = await freshDatabase()
  const { client, payer, payee, factory } = reorged
  await client.createEscrow({ from: payer, factory, payee, amount: 1n })
  await tick(url, env)
  await reorged.rpc('anvil_reorg', [1, []])
  await reorged.mine(2)
  assert.equal((await tick(url, env)).reverted, 1)
  assert.deepEqual(said(await outbox(sql)), ['EscrowDeployed seen true', 'EscrowDeployed reverted false'])
  await client.createEscrow({ from: payer, factory, payee, amount: 2n })
  await tick(url, env)
  assert.equal(said(await outbox(sql)).at(-1), 'EscrowDeployed seen true')
})

test('the wrong chain, or a factory without code, is told before anything is read', async () => {
  const { url } = await freshDatabase()
  const checked = async (env: Record<string, string>) => {
    const relayer = relayerOn(url, env)
    await relayer.check().finally(relayer.close)
  }
  await assert.rejects(checked({ CHAIN_ID: '1' }), /CHAIN_ID is 1, but provider .* of RPC_URLS serves chain 31337/)
  await assert.rejects(checked({ ESCROW_FACTORIES: chain.payer }), /ESCROW_FACTORIES: there is no contract at/)
})

type Ended = { code: number; stdout: string; stderr: string }

function main(
  url: string,
  { args, env = {} }: { args: readonly string[]; env?: Record<string, string> }
): Promise<Ended> {
  return new Promise(resolve => {
    const options = { env: { PATH: process.env.PATH, ...settings({ url, env }) }, timeout: 60_000 }
    execFile(process.execPath, [MAIN, ...args], options, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr })
    )
  })
}

test('--mode=verify: exit 0 where the database is the chain’s, 1 with a line per difference, 75 where it can’t tell', async () => {
  const { url, sql } = await freshDatabase()
  await tick(url)
  const equal = await main(url, { args: ['--mode=verify'] })
  assert.equal(equal.code, 0, equal.stderr)
  assert.match(
    equal.stdout,
    /^equal: blocks 0 to \d+, \d+ logs, \d+ facts, \d+ manifests, read through 1:127\.0\.0\.1:\d+\n$/
  )

  const [fact] = await sql<{ fact_id: string; number: number }[]>`
    update facts set body = body || '{"amount":"6"}' where body->>'event_type' = 'EscrowReleased'
    returning fact_id, block_number::int as number`
  assert.ok(fact)
  const range = ['--from', String(fact.number), '--to', String(fact.number)]
  const differs = await main(url, { args: ['--mode=verify', ...range] })
  assert.equal(differs.code, 1)
  const [line] = differs.stdout.split('\n')
  assert.match(
    line ?? '',
    new RegExp(`^fact_differs block=${fact.number} fact_id=${fact.fact_id} stored: .*amount="6".* chain: .*amount="5"`)
  )
  const json = await main(url, { args: ['--mode=verify', '--json', ...range] })
  const lines = json.stdout
    .trim()
    .split('\n')
    .map(text => JSON.parse(text))
  assert.deepEqual([json.code, lines[0].kind, lines.at(-1).result], [1, 'fact_differs', 'differs'])

  assert.equal((await main(url, { args: ['--mode=verify'], env: { RPC_URLS: 'http://127.0.0.1:1' } })).code, 75)
  const beyond = await main(url, { args: ['--mode=verify', '--to', '99999'] })
  assert.equal(beyond.code, 1)
  assert.match(beyond.stdout, /--to 99999 is above block/)
})
