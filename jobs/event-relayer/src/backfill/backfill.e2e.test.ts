import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createBroker } from '@fusion-prime/local'
import type { Rpc } from '../providers/rpc.ts'
import { modelDatabase } from '../testing/model-relayer.ts'
import { finalChain, first, lives, outcomeOf, rpcOf, second, startRelayer } from './rebuild-fixture.ts'

const END = 400
const main = fileURLToPath(new URL('../main.ts', import.meta.url))

/** A provider over HTTP; each answer takes a few milliseconds, as over a network. */
async function serve(rpc: Rpc) {
  type Call = { id: number; method: string; params: unknown[] }
  const answer = async ({ id, method, params }: Call) => ({ jsonrpc: '2.0', id, result: await rpc(method, params) })
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const part of request) text += part
    // Written by the relayer's own transport.
    const calls = JSON.parse(text) as Call | Call[]
    const body = Array.isArray(calls) ? await Promise.all(calls.map(answer)) : await answer(calls)
    await sleep(5)
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  // A server that listens on a port has an AddressInfo.
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, close: () => void server.close().closeAllConnections() }
}

test('three processes, one of them killed and begun again, rebuild what one relayer relayed', async t => {
  await using stack = new AsyncDisposableStack()
  const chain = finalChain(lives(END + 1))
  const [alone, sharded] = [await modelDatabase(), await modelDatabase()]
  stack.defer(alone.close)
  stack.defer(sharded.close)
  const relayer = startRelayer({ chain, databaseUrl: alone.url }, { env: { START_BLOCK: '0', MAX_BLOCK_RANGE: '50' } })
  await relayer.tick()
  await relayer.close()

  const broker = await createBroker({ project: 'rebuild', mintToken: async () => '' })
  stack.defer(() => broker.close())
  const topics = ['escrow-events', 'settlement-commands', 'chain.ranges.v1'].map(name => ({ name }))
  broker.applyCatalog({ topics, subscriptions: [] }, { endpoints: {} })
  const provider = await serve(rpcOf(chain))
  stack.defer(provider.close)
  const start = (task: number): { child: ChildProcess; ended: Promise<number | null>; output: () => string } => {
    const env = {
      ...process.env,
      CHAIN_ID: '31337',
      RPC_URLS: provider.url,
      ESCROW_FACTORIES: `${first},${second}`,
      DATABASE_URL: sharded.url,
      GOOGLE_CLOUD_PROJECT: 'rebuild',
      PUBSUB_EMULATOR_HOST: broker.host,
      MAX_BLOCK_RANGE: '4',
      CLOUD_RUN_TASK_INDEX: String(task),
      CLOUD_RUN_TASK_COUNT: '3'
    }
    const args = [main, '--mode=backfill', '--from', '0', '--to', String(END)]
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    stack.defer(() => void child.kill('SIGKILL'))
    const output: string[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', part => output.push(String(part)))
    return { child, ended: once(child, 'close').then(([code]) => code), output: () => output.join('') }
  }

  const [zero, one, two] = [start(0), start(1), start(2)]
  for (;;) {
    const [begun] = await sharded.sql`
      select exists (select from staged_ranges where (from_block / 40) % 3 = 1)
        or exists (select from checkpoints where block_number >= 40) as by_one`
    if (begun?.by_one) break
    assert.equal(one.child.exitCode, null, one.output())
    await sleep(20)
  }
  one.child.kill('SIGKILL')
  assert.equal(await one.ended, null)
  const again = start(1)
  const codes = await Promise.all([zero, again, two].map(({ ended }) => ended))
  assert.deepEqual(codes, [0, 0, 0], [zero, again, two].map(({ output }) => output()).join('\n'))

  assert.deepEqual(await outcomeOf(sharded.sql), await outcomeOf(alone.sql))
  assert.match(zero.output(), /"check":"receipts".*"passing":.*"message":"backfill_check_cost"/)
  assert.match(two.output(), /"message":"backfill_chunk_staged"/)
  const [left] = await sharded.sql`
    select (select count(*)::int from staged_ranges) as staged, (select count(*)::int from backfills) as backfills,
      (select count(*)::int from outbox where published_at is null) as unpublished`
  assert.deepEqual(left, { staged: 0, backfills: 0, unpublished: 0 })
  t.diagnostic(`${chain.calls.length} calls`)
})
