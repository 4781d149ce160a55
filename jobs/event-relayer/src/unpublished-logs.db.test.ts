import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { decodeLog, signatures } from '@fusion-prime/chain'
import { address, approved, deployed, factory, modelChain, unknownEvent } from './read/model-fixture.ts'
import {
  type ModelDatabase,
  type ModelRelayer,
  modelDatabase,
  modelNode,
  modelRelayer
} from './testing/model-relayer.ts'

type Vector = { id: string; log: { address: string; topics: `0x${string}`[]; data: `0x${string}` } }

const vectors = async (name: string): Promise<Vector[]> =>
  JSON.parse(await readFile(new URL(`../../../shared/chain/test-vectors/${name}.json`, import.meta.url), 'utf8'))

const [one, stranger] = [address(0xe1), address(0x57)]
let database: ModelDatabase
const running: ModelRelayer[] = []
before(async () => {
  database = await modelDatabase()
})
after(async () => {
  for (const relayer of running) await relayer.close()
  await database.close()
})

const isDeployment = ({ log }: Vector) => {
  const decoded = decodeLog(log)
  return decoded.kind === 'event' && decoded.event === 'EscrowDeployed'
}

test('logs of every signature are facts; whatever can’t be read is kept raw, counted, warned about once, and never published', async () => {
  const [good, bad] = [await vectors('logs'), await vectors('malformed')]
  const { sql } = database
  // The vectors lack our own contract's approval, which is hex as theirs.
  const own = { id: 'ApprovalGranted', log: approved(one) as Vector['log'] }
  const events = [own, ...good].filter(({ log }) => decodeLog(log).kind === 'event')
  // No chain has five topics, topics of another length or data of half a byte.
  const isWhole = ({ log: { topics, data } }: Vector) =>
    topics.length <= 4 && /^0x([0-9a-f]{2})*$/.test(data) && topics.every(topic => /^0x[0-9a-f]{64}$/.test(topic))
  const broken = bad.filter(vector => decodeLog(vector.log).kind === 'malformed' && isWhole(vector))
  assert.ok(events.length > 40 && broken.length >= 5)
  const from = ({ log }: Vector, who: string) => ({ topics: log.topics, data: log.data, address: who })

  /** Deployments by the factory and everything else by `one`, then what is broken by either, twice, and what a stranger says. */
  const chain = modelChain([
    [],
    [[deployed(one)]],
    events.map(vector => [from(vector, isDeployment(vector) ? factory : one)]),
    broken.map(vector => [from(vector, one), from(vector, factory)]),
    [[deployed(address(0xe9), stranger)], [deployed(address(0xe8), one)], [unknownEvent(one)], [approved(factory)]],
    [],
    broken.map(vector => [from(vector, one)]),
    []
  ])
  const node = modelNode(chain.slice(0, 6))
  const run = async () => {
    const relayer = modelRelayer({ url: database.url, nodes: [node] })
    running.push(relayer)
    await relayer.tick().finally(relayer.release)
    return relayer
  }
  const first = await run()
  node.chain = chain
  const second = await run()

  const published = [...first.published, ...second.published].filter(({ attributes }) => attributes.first === 'true')
  const kinds = new Set(
    events.map(({ log }) => decodeLog(log)).flatMap(log => (log.kind === 'event' ? [log.signature] : []))
  )
  assert.deepEqual(kinds, new Set(signatures.map(({ signature }) => signature)), 'every signature is among the vectors')
  const created = events.filter(({ log }) => {
    const decoded = decodeLog(log)
    return decoded.kind === 'event' && decoded.event === 'EscrowCreated'
  })
  assert.equal(published.length, 1 + events.length - created.length)
  assert.deepEqual(
    published.filter(({ data }) => (JSON.parse(data) as { block_number: number }).block_number > 2),
    [],
    'nothing of what is broken, unknown or a stranger’s'
  )

  const rows = await sql<{ reading: string; count: number }[]>`
    select reading, count(*)::int as count from raw_logs group by reading order by reading`
  assert.deepEqual(Object.fromEntries(rows.map(({ reading, count }) => [reading, count])), {
    kept: created.length + 2,
    malformed: 3 * broken.length,
    published: published.length,
    unknown: 1
  })
  const details = await sql<
    { detail: string }[]
  >`select distinct detail from raw_logs where reading = 'kept' order by detail`
  assert.deepEqual(
    details.map(({ detail }) => detail),
    ['ApprovalGranted from a stranger', 'EscrowCreated is not published', 'EscrowDeployed from a stranger']
  )

  const warned = [first, second].map(({ lines }) => lines.filter(({ message }) => message === 'log_malformed'))
  const topics = new Set(broken.map(({ log }) => log.topics[0]))
  assert.equal(warned[0]?.length, 2 * topics.size, 'one line per address and topic0')
  assert.deepEqual(warned[1], [], 'across runs')
  assert.ok(warned[0]?.every(({ severity, reason }) => severity === 'WARNING' && typeof reason === 'string'))

  const counted = async (relayer: ModelRelayer, reading: string) =>
    (await relayer.registry.getSingleMetric('relayer_unpublished_logs_total')?.get())?.values.find(
      ({ labels }) => labels.reading === reading
    )?.value ?? 0
  assert.equal((await counted(first, 'malformed')) + (await counted(second, 'malformed')), 3 * broken.length)
  assert.equal(await counted(first, 'unknown'), 1)
})
