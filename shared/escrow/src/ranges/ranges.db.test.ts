import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { hash } from 'node:crypto'
import { after, before, test } from 'node:test'
import {
  chainRanges,
  type EscrowFact,
  encodeMessage,
  type Finality,
  type RangeManifest,
  type Received,
  rangeId
} from '@fusion-prime/events'
import type { AnswerOf, getRanges, listRangeFacts, listRangeFaults, repairRange } from '@fusion-prime/operations'
import { claimEvents } from '@fusion-prime/postgres'
import fc from 'fast-check'
import { atLevel, createFact, PUSH_PREFIX, testAddress, testHash } from '../../../local/src/testing/facts.ts'
import type { TestParts } from '../../../local/src/testing/service.ts'
import { type FactMessage, standingOf } from '../standing.ts'
import { appendFacts } from '../store.ts'
import { createRangesApp } from './ranges-fixture.ts'

let parts: TestParts
let app: Awaited<ReturnType<typeof createRangesApp>>['app']
before(async () => {
  const made = await createRangesApp()
  parts = made.parts
  app = made.app
})
after(async () => {
  await app?.close()
  await parts?.close()
})

const received = (body: EscrowFact): Received<EscrowFact> => {
  return { event_id: body.event_id, correlation_id: 'test', traceparent: undefined, attributes: {}, digest: 'd', body }
}
const store = async (facts: readonly EscrowFact[]) => {
  await claimEvents(parts.sql, { topic: 'escrow-events', events: facts.map(received) })
  await appendFacts(parts.sql, facts.map(received))
}
async function ask<Answer>(url: string, query: Record<string, string | number> = {}): Promise<Answer> {
  const answer = await app.inject({
    url,
    query: Object.fromEntries(Object.entries(query).map(([k, v]) => [k, `${v}`]))
  })
  assert.equal(answer.statusCode, 200, answer.body)
  return answer.json<Answer>()
}
const ranges = (query: Record<string, number>) => ask<AnswerOf<typeof getRanges>>('/ranges', query)
const sha256 = (text: string) => hash('sha256', text, 'hex')
const idsOf = (facts: readonly EscrowFact[]) => facts.map(fact => fact.fact_id).sort()

test('count and digest are of the facts that count; the content digest notices an altered body, the digest doesn’t', async () => {
  const chain_id = 101
  const facts = [3, 4, 4, 5].map((block_number, log_index) =>
    createFact('ApprovalGranted', { chain_id, block_number, log_index, escrow_address: testAddress('digests') })
  )
  const gone = createFact('ApprovalGranted', { chain_id, block_number: 4, log_index: 9 })
  await store([...facts, gone, atLevel(gone, 'reverted')])
  const all = await ranges({ from: 3, to: 5, chain_id })
  assert.deepEqual([all.count, all.digest], [4, sha256(idsOf(facts).join('\n'))])
  const some = await ranges({ from: 4, to: 4, chain_id })
  assert.deepEqual([some.count, some.digest], [2, sha256(idsOf(facts.slice(1, 3)).join('\n'))])
  assert.deepEqual(await ranges({ from: 6, to: 9, chain_id }), {
    ...{ count: 0, digest: sha256(''), content_digest: sha256(''), final_count: 0 },
    manifests: { count: 0, contiguous: false, first_gap: 6 }
  })
  // Another level's body is the same fact; another approver isn't.
  const [first] = facts
  assert.ok(first)
  const set = (value: object) =>
    parts.sql`update facts set body = body || ${JSON.stringify(value)}::text::jsonb where fact_id = ${first.fact_id}`
  await set({ finality: 'finalized', event_id: atLevel(first, 'finalized').event_id, undeclared: 1 })
  assert.deepEqual(await ranges({ from: 3, to: 5, chain_id }), all)
  await set({ approver: testAddress('somebody else') })
  const altered = await ranges({ from: 3, to: 5, chain_id })
  assert.equal(altered.digest, all.digest)
  assert.notEqual(altered.content_digest, all.content_digest)
  assert.equal(altered.final_count, 0)
  await store([atLevel(first, 'finalized')])
  assert.deepEqual(await ranges({ from: 3, to: 5, chain_id }), { ...altered, final_count: 1 })
})

test('what counts is what standingOf says, after any messages', async () => {
  const message = fc.record({
    finality: fc.constantFrom<Finality>('seen', 'safe', 'finalized', 'reverted'),
    incarnation: fc.integer({ min: 1, max: 3 }),
    forced: fc.boolean()
  })
  const plausible = ({ finality, forced, incarnation }: FactMessage) => {
    return { finality, incarnation, forced: forced && finality === 'reverted' }
  }
  let chain_id = 200
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(message, { minLength: 1, maxLength: 6 }), { maxLength: 12 }), async said => {
      chain_id += 1
      const facts = said.map((_, log_index) => createFact('ApprovalGranted', { chain_id, log_index }))
      const messages = said.map(list => list.map(plausible))
      await appendFacts(
        parts.sql,
        facts.flatMap((fact, index) =>
          (messages[index] ?? []).map(({ finality, incarnation, forced }) =>
            received({ ...atLevel(fact, finality, incarnation), forced })
          )
        )
      )
      // Of two messages about one level of an incarnation the first is kept.
      const kept = messages.map(list =>
        list.filter(
          (one, at) =>
            at ===
            list.findIndex(({ finality, incarnation }) => finality === one.finality && incarnation === one.incarnation)
        )
      )
      const counting = facts.filter((_, index) => standingOf(kept[index] ?? []).counts)
      const { count, digest } = await ranges({ from: 1, to: 1, chain_id })
      assert.deepEqual([count, digest], [counting.length, sha256(idsOf(counting).join('\n'))])
    }),
    { numRuns: 60 }
  )
})

test('pages of facts partition them; each has its finalized event_id, its content, and whether it counts', async () => {
  const chain_id = 102
  const facts = Array.from({ length: 7 }, (_, log_index) => createFact('EscrowDeployed', { chain_id, log_index }))
  const [final, reverted, untold] = facts
  assert.ok(final && reverted && untold)
  await store([...facts, atLevel(final, 'finalized'), atLevel(reverted, 'reverted')])
  await parts.sql`delete from fact_messages where fact_id = ${untold.fact_id}`
  const items: AnswerOf<typeof listRangeFacts>['items'] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: AnswerOf<typeof listRangeFacts> = await ask('/ranges/facts', {
      ...{ from: 1, to: 1, chain_id, limit: 3 },
      ...(cursor && { cursor })
    })
    items.push(...page.items)
    cursor = page.next_cursor
  }
  assert.deepEqual(
    items.map(one => one.fact_id),
    idsOf(facts)
  )
  const one = (fact: EscrowFact) => items.find(item => item.fact_id === fact.fact_id)
  assert.equal(one(final)?.event_id, atLevel(final, 'finalized').event_id)
  assert.deepEqual(
    [one(final), one(reverted), one(untold)].map(item => item?.counts),
    [true, false, false]
  )
  for (const cursor of ['nonsense', '-'.repeat(36), 'a'.repeat(36)])
    assert.equal((await app.inject(`/ranges/facts?from=1&to=1&chain_id=${chain_id}&cursor=${cursor}`)).statusCode, 400)
})

test('blocks of several chains need chain_id; from above to is refused', async () => {
  for (const chain_id of [103, 104]) await store([createFact('EscrowDeployed', { chain_id, block_number: 77_000 })])
  assert.equal((await app.inject('/ranges?from=77000&to=77000')).statusCode, 409)
  assert.equal((await ranges({ from: 77_000, to: 77_000, chain_id: 103 })).count, 1)
  await store([createFact('EscrowDeployed', { chain_id: 104, block_number: 78_000 })])
  assert.equal((await ranges({ from: 78_000, to: 78_000 })).count, 1)
  assert.equal((await app.inject('/ranges?from=2&to=1')).statusCode, 400)
  assert.equal((await app.inject('/ranges?to=1')).statusCode, 400)
})

const manifest = (values: Pick<RangeManifest, 'from_block' | 'to_block'> & Partial<RangeManifest>): RangeManifest => {
  const { from_block, to_block } = values
  const range = { chain_id: 105, from_hash: testHash(`${from_block}`), to_hash: testHash(`${to_block}`), ...values }
  const stated = { count: 0, digest: sha256(''), previous_digest: null, ...range }
  return { event_id: rangeId(stated), event_type: 'range_finalized', schema_version: 1, ...stated }
}
async function push(body: RangeManifest) {
  const traceparent = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`
  const { topic, data, attributes } = encodeMessage(chainRanges, body, { correlation_id: 'chain', traceparent })
  const message = { data: Buffer.from(data).toString('base64'), messageId: body.event_id, attributes }
  const payload = { message, subscription: `${PUSH_PREFIX}chain.ranges.v1-settlement` }
  assert.equal((await app.inject({ method: 'POST', url: `/pubsub/${topic}`, payload })).statusCode, 204)
}
const stated = (from: number, to: number) => ranges({ from, to, chain_id: 105 }).then(({ manifests }) => manifests)

test('manifests are stored, in their newest revision; gaps are found', async () => {
  const first = manifest({ from_block: 1, to_block: 8 })
  for (const one of [
    first,
    first,
    manifest({ from_block: 9, to_block: 12 }),
    manifest({ from_block: 15, to_block: 20 })
  ])
    await push(one)
  assert.deepEqual(await stated(1, 12), { count: 2, contiguous: true, first_gap: null })
  assert.deepEqual(await stated(3, 10), { count: 2, contiguous: true, first_gap: null })
  assert.deepEqual(await stated(1, 20), { count: 3, contiguous: false, first_gap: 13 })
  assert.deepEqual(await stated(15, 25), { count: 1, contiguous: false, first_gap: 21 })
  assert.deepEqual(await stated(0, 8), { count: 1, contiguous: false, first_gap: 0 })
  const again = manifest({ from_block: 1, to_block: 8, revision: 2, count: 1 })
  await push(again)
  const { items, next_cursor } = await ask<{ items: RangeManifest[]; next_cursor: string | null }>(
    '/ranges/manifests',
    {
      ...{ from: 1, to: 12, chain_id: 105, limit: 1 }
    }
  )
  assert.deepEqual(
    items.map(one => [one.event_id, one.revision, one.count]),
    [[again.event_id, 2, 1]]
  )
  const rest = await ask<{ items: RangeManifest[] }>('/ranges/manifests', {
    ...{ from: 1, to: 12, chain_id: 105, cursor: next_cursor ?? '' }
  })
  assert.deepEqual(
    rest.items.map(one => one.from_block),
    [9]
  )
})

const repaired = async (payload: Partial<Record<'facts' | 'manifests' | 'escrows', unknown[]>>) => {
  const body = { chain_id: 106, facts: [], manifests: [], escrows: [], ...payload }
  const answer = await app.inject({ method: 'POST', url: '/ranges/repair', payload: body })
  assert.equal(answer.statusCode, 200, answer.body)
  return answer.json<AnswerOf<typeof repairRange>>()
}

test('a repair forgets messages whose effect is gone, and those alone; it writes rows that are missing, and those alone', async () => {
  const names = ['kept', 'lost', 'other']
  const [kept, lost, other] = names.map(name =>
    createFact('EscrowDeployed', { chain_id: 106, escrow_address: testAddress(`repair ${name}`) })
  )
  assert.ok(kept && lost && other)
  await store([kept, lost, other])
  await parts.sql`insert into tally values (106, ${kept.escrow_address}, 7)`
  await parts.sql`delete from fact_messages where fact_id in (${lost.fact_id}, ${other.fact_id})`
  await parts.sql`delete from facts where fact_id in (${lost.fact_id}, ${other.fact_id})`
  const inbox = async (fact: EscrowFact) =>
    (await parts.sql`select from processed_events where topic = 'escrow-events' and event_id = ${fact.event_id}`).count

  const given = [kept, lost].map(({ fact_id, event_id }) => ({ fact_id, event_id }))
  assert.deepEqual(await repaired({ facts: given }), { forgotten: 1, written: 0 })
  assert.deepEqual(await Promise.all([kept, lost, other].map(inbox)), [1, 0, 1])
  assert.deepEqual(await repaired({ facts: given }), { forgotten: 0, written: 0 })

  await store([lost])
  const derived = () => ask<AnswerOf<typeof listRangeFaults>>('/ranges/derived', { from: 1, to: 1, chain_id: 106 })
  const { items, escrows } = await derived()
  assert.equal(escrows, 2)
  const fault = { what: 'escrow', escrow_address: kept.escrow_address, detail: 'tally: facts is 7, the facts give 1' }
  assert.deepEqual(
    items.toSorted((a, b) => (a.kind < b.kind ? -1 : 1)),
    [
      { ...fault, kind: 'altered' },
      { kind: 'missing', what: 'escrow', escrow_address: lost.escrow_address, detail: 'tally' }
    ]
  )
  assert.deepEqual(await repaired({ escrows: [lost.escrow_address, kept.escrow_address] }), {
    forgotten: 0,
    written: 1
  })
  assert.deepEqual((await derived()).items, [{ ...fault, kind: 'altered' }])
})

test('a manifest that was lost comes again after a repair', async () => {
  const lost = manifest({ chain_id: 105, from_block: 30, to_block: 31 })
  await push(lost)
  await parts.sql`delete from range_manifests where event_id = ${lost.event_id}`
  await push(lost)
  assert.deepEqual((await stated(30, 31)).count, 0)
  assert.equal((await repaired({ manifests: [lost.event_id] })).forgotten, 1)
  await push(lost)
  assert.deepEqual((await stated(30, 31)).count, 1)
  assert.equal((await repaired({ manifests: [lost.event_id] })).forgotten, 0)
})

test('rows of an escrow without facts are found, at the end of the last page', async () => {
  const escrows = ['a', 'b', 'c'].map(name => testAddress(`orphans ${name}`))
  await store(escrows.map(escrow_address => createFact('EscrowDeployed', { chain_id: 107, escrow_address })))
  for (const escrow_address of [...escrows, testAddress('orphan')])
    await parts.sql`insert into tally values (107, ${escrow_address}, 1)`
  const pages: AnswerOf<typeof listRangeFaults>[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query = { from: 1, to: 1, chain_id: 107, limit: 2, ...(cursor && { cursor }) }
    const page: AnswerOf<typeof listRangeFaults> = await ask('/ranges/derived', query)
    pages.push(page)
    cursor = page.next_cursor
  }
  const detail = 'tally: there is no fact of this escrow'
  const orphan = { kind: 'extra', what: 'escrow', escrow_address: testAddress('orphan'), detail }
  assert.deepEqual(
    pages.map(({ items, escrows }) => ({ items, escrows })),
    [
      { items: [], escrows: 2 },
      { items: [orphan], escrows: 1 }
    ]
  )
})
