import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { type Address, createEscrowClient } from '@fusion-prime/chain'
import { decodeMessage, escrowEvents } from '@fusion-prime/events'
import { deployBothParties, startChain, testDatabase } from '@fusion-prime/local'
import { createSql, migrate, type Pool } from '@fusion-prime/postgres'
import { createLog, PermanentError } from '@fusion-prime/runtime'
import { migrations } from './app.ts'
import { createRpcChain } from './providers/rpc.ts'
import { type Relayed, relay } from './relay.ts'
import { createStore } from './store.ts'

type Row = { seq: string; event_id: string; ordering_key: string; data: string; attributes: Record<string, string> }

const CHAIN_ID = 31337
const log = createLog('relay-test', { write: () => {} })
const ended: (() => Promise<unknown>)[] = []
after(async () => {
  for (const end of ended.reverse()) await end()
})

/** A chain that mines a block per transaction, with a factory. */
async function freshChain() {
  const chain = await startChain({ blockTime: 'per-transaction' })
  ended.push(() => chain.stop())
  const client = createEscrowClient({ rpcUrl: chain.rpcUrl, chainId: CHAIN_ID })
  const [payer, payee, arbiter] = chain.accounts
  assert.ok(payer && payee && arbiter)
  const { factory } = await client.deployFactory({ from: payer, refundDelay: 0n })
  const rpc = async (method: string, params: unknown[]) => {
    const answer = await fetch(chain.rpcUrl, {
      method: 'POST',
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      headers: { 'content-type': 'application/json' }
    })
    const { result, error } = (await answer.json()) as { result?: unknown; error?: { message: string } }
    if (error) throw new Error(error.message)
    return result
  }
  return {
    ...chain,
    client,
    payer,
    payee,
    arbiter,
    factory,
    rpc,
    mine: (blocks: number) => rpc('anvil_mine', [`0x${blocks.toString(16)}`])
  }
}

async function freshDatabase(): Promise<Pool> {
  const database = await testDatabase()
  const sql = createSql({ url: database.url, max: 4, applicationName: 'relay-test' })
  ended.push(
    () => database.close(),
    () => sql.end()
  )
  await migrate(sql, { folders: migrations })
  return sql
}

type Setup = {
  sql: Pool
  rpcUrl: string
  factory: Address
  startBlock?: number | undefined
  maxAddresses?: number
  maxBlockRange?: number
}

const tick = ({
  sql,
  rpcUrl,
  factory,
  startBlock = 0,
  maxAddresses = 500,
  maxBlockRange = 3
}: Setup): Promise<Relayed> =>
  relay({
    chain: createRpcChain({ url: rpcUrl, chainId: CHAIN_ID, finality: { by: 'tags' } }),
    store: createStore({ sql, chainId: CHAIN_ID }),
    publish: async () => ({ published: 0, failed: 0 }),
    log,
    assetSymbol: 'ETH',
    factories: [factory],
    startBlock,
    maxBlockRange,
    maxAddresses
  })

const outbox = (sql: Pool) => sql<Row[]>`select seq, event_id, ordering_key, data, attributes from outbox order by seq`
const said = (rows: readonly Row[]) =>
  rows.map(({ attributes }) => `${attributes.event_type} ${attributes.finality} ${attributes.first}`)

let chain: Awaited<ReturnType<typeof freshChain>>
before(async () => {
  chain = await freshChain()
})

test('an escrow’s life becomes facts in chain order, each once, then rises to finalized', async () => {
  const sql = await freshDatabase()
  const { client, payer, payee, arbiter, factory, rpcUrl } = chain
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

  const first = await tick({ sql, rpcUrl, factory })
  assert.equal(first.facts, 5)
  const seen = await outbox(sql)
  assert.deepEqual(said(seen), [
    'EscrowDeployed safe true',
    ...Array(3).fill('ApprovalGranted seen true'),
    'EscrowReleased seen true'
  ])
  assert.equal((await tick({ sql, rpcUrl, factory })).facts, 0, 'a second tick finds nothing new')

  await chain.mine(20)
  await tick({ sql, rpcUrl, factory })
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
  const sql = await freshDatabase()
  await tick({ sql, rpcUrl: chain.rpcUrl, factory: chain.factory })
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
  const sql = await freshDatabase()
  const parties = await deployBothParties(chain.client, chain.payer)
  const escrow = await parties.create({ factory: chain.factory, amount: 3n })
  await parties.approveBoth(escrow)
  await tick({ sql, rpcUrl: chain.rpcUrl, factory: chain.factory })
  const approvals = (await outbox(sql))
    .map(row => JSON.parse(row.data))
    .filter(fact => fact.escrow_address === escrow && fact.event_type === 'ApprovalGranted')
  assert.equal(approvals.length, 2)
  assert.equal(new Set(approvals.map(fact => fact.transaction_hash)).size, 1)
  assert.equal(new Set(approvals.map(fact => fact.approver)).size, 2)
})

test('any size of range and either way of asking for logs gives the same facts', async () => {
  const bodies = async (options: Pick<Setup, 'maxBlockRange' | 'maxAddresses'>) => {
    const sql = await freshDatabase()
    await tick({ sql, rpcUrl: chain.rpcUrl, factory: chain.factory, ...options })
    return (await outbox(sql)).map(row => row.data)
  }
  const expected = await bodies({ maxBlockRange: 1 })
  assert.ok(expected.length > 5)
  assert.deepEqual(await bodies({ maxBlockRange: 1000 }), expected)
  assert.deepEqual(await bodies({ maxBlockRange: 7, maxAddresses: 1 }), expected, 'by topics alone')
})

test('two relayers at once: one moves the checkpoint, the other’s work is thrown away', async () => {
  const sql = await freshDatabase()
  const { rpcUrl, factory } = chain
  const results = await Promise.allSettled([tick({ sql, rpcUrl, factory }), tick({ sql, rpcUrl, factory })])
  await tick({ sql, rpcUrl, factory })
  const alone = await freshDatabase()
  await tick({ sql: alone, rpcUrl, factory })
  assert.deepEqual(said(await outbox(sql)), said(await outbox(alone)))
  for (const result of results)
    if (result.status === 'rejected') assert.match(String(result.reason), /another relayer has moved the checkpoint/)
})

test('without a checkpoint and START_BLOCK it gives up; with START_BLOCK it begins there', async () => {
  const sql = await freshDatabase()
  const relayer = { sql, rpcUrl: chain.rpcUrl, factory: chain.factory }
  const noStart = relay({
    chain: createRpcChain({ url: chain.rpcUrl, chainId: CHAIN_ID, finality: { by: 'tags' } }),
    store: createStore({ sql, chainId: CHAIN_ID }),
    publish: async () => ({ published: 0, failed: 0 }),
    log,
    assetSymbol: 'ETH',
    factories: [chain.factory],
    startBlock: undefined,
    maxBlockRange: 10,
    maxAddresses: 500
  })
  await assert.rejects(
    noStart,
    (error: unknown) => error instanceof PermanentError && /START_BLOCK/.test(error.message)
  )
  const all = await tick(relayer)
  const late = await freshDatabase()
  const some = await tick({ ...relayer, sql: late, startBlock: 4 })
  assert.ok(some.facts < all.facts)
})

test('a chain that was reorganised stops it with both hashes, and nothing is changed', async () => {
  const reorged = await freshChain()
  const sql = await freshDatabase()
  const { client, payer, payee, factory, rpcUrl } = reorged
  await client.createEscrow({ from: payer, factory, payee, amount: 1n })
  await tick({ sql, rpcUrl, factory })
  const before = await outbox(sql)
  await reorged.rpc('anvil_reorg', [1, []])
  await reorged.mine(2)
  await assert.rejects(
    tick({ sql, rpcUrl, factory }),
    (error: unknown) => error instanceof PermanentError && /reorganised/.test(error.message)
  )
  assert.deepEqual(await outbox(sql), before)
})

test('the wrong chain, or a factory without code, is told before anything is read', async () => {
  const { rpcUrl, factory, payer } = chain
  const other = createRpcChain({ url: rpcUrl, chainId: 1, finality: { by: 'tags' } })
  await assert.rejects(other.check([factory]), /CHAIN_ID is 1, but the provider in RPC_URLS serves chain 31337/)
  const own = createRpcChain({ url: rpcUrl, chainId: CHAIN_ID, finality: { by: 'tags' } })
  await assert.rejects(own.check([payer]), /ESCROW_FACTORIES: there is no contract at/)
})
