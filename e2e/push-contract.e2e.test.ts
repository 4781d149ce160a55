import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { compliance, migrations as complianceMigrations } from '@fusion-prime/compliance'
import { catalog } from '@fusion-prime/events'
import { createTestBroker, type Pulled, type TestBroker } from '@fusion-prime/local/testing/broker.ts'
import { atLevel, createFact, testAddress } from '@fusion-prime/local/testing/facts.ts'
import { type LiveService, OPERATOR, startLiveService } from '@fusion-prime/local/testing/live-service.ts'
import { until } from '@fusion-prime/local/testing/wait.ts'
import { riskEngine, migrations as riskMigrations } from '@fusion-prime/risk-engine'
import { settlement, migrations as settlementMigrations } from '@fusion-prime/settlement'
import { type Issuer, startIssuer } from '../shared/local/src/issuer.ts'
import { brokenEnvelopes, brokenMessages, type Message, messageOf, wrongTokens } from './push-contract.ts'

/* The table of push answers, at every service as it runs in production: real HTTP, tokens, Postgres and Pub/Sub API. */

const OUTCOMES = 'settlement.events.v1'
const { topics, subscriptions } = catalog()
const outcomes = subscriptions
  .filter(({ kind }) => kind === 'pull')
  .map(one => ({ ...one, name: 'outcomes', topic: OUTCOMES }))

let broker: TestBroker
let issuer: Issuer
let folder: string
const tokens: string[] = []
before(async () => {
  broker = await createTestBroker({ topics, subscriptions: [...subscriptions, ...outcomes] })
  issuer = await startIssuer()
  folder = await mkdtemp(join(tmpdir(), 'push-contract-'))
  const list = {
    version: '1',
    as_of: new Date().toISOString(),
    addresses: [{ address: testAddress('bad'), chain: 'ETH', list: 'A' }],
    names: []
  }
  await writeFile(join(folder, 'sanctions.json'), JSON.stringify(list))
})
after(async () => {
  await issuer?.close()
  await broker?.close()
  await rm(folder, { recursive: true, force: true })
})

const start = {
  settlement: () => {
    const settings = { RISK_ENGINE_URL: 'http://127.0.0.1:9', COMPLIANCE_URL: 'http://127.0.0.1:9' }
    return startLiveService(settlement, { migrations: settlementMigrations, issuer, settings })
  },
  'risk-engine': () => startLiveService(riskEngine, { migrations: riskMigrations, issuer }),
  async compliance() {
    const settings = { SANCTIONS_LIST_URL: pathToFileURL(join(folder, 'sanctions.json')).href }
    const service = await startLiveService(compliance, { migrations: complianceMigrations, issuer, settings })
    // It writes a row about the list that it read at its start.
    await until('the end of the list', () => service.lines().some(line => line.message === 'rescreening_finished'))
    return service
  }
}

for (const [name, open] of Object.entries(start)) {
  describe(name, () => {
    let service: LiveService
    before(async () => {
      service = await open()
    })
    after(() => service?.close())

    const genuine = async () => noted(await issuer.mint(service.claims))
    const noted = (token: string) => {
      tokens.push(token)
      return token
    }
    async function post(body: string, headers: Record<string, string>): Promise<Response> {
      return fetch(`${service.url}/pubsub/escrow-events`, { method: 'POST', headers, body })
    }
    /** Pushes as Pub/Sub does, with a genuine token. */
    async function push(message: Message, messageId = 'm'): Promise<number> {
      const { data, attributes, ordering_key: orderingKey } = message
      const subscription = `projects/test/subscriptions/escrow-events-${name}`
      const body = {
        message: { data, attributes, messageId, message_id: messageId, orderingKey },
        subscription,
        deliveryAttempt: 1
      }
      const headers = { authorization: `Bearer ${await genuine()}`, 'content-type': 'application/json' }
      return (await post(JSON.stringify(body), headers)).status
    }
    const deadLetters = () => broker.pull('escrow-events-dlq-pull')
    async function assertNothingWritten(work: () => Promise<void>): Promise<void> {
      const before = await service.rows()
      await work()
      assert.deepEqual(await service.rows(), before)
    }

    test('while the issuer’s keys can’t be read: 503', async () => {
      const { port } = new URL(issuer.url)
      await issuer.close()
      try {
        await assertNothingWritten(async () => assert.equal(await push(messageOf(createFact('EscrowDeployed'))), 503))
      } finally {
        issuer = await startIssuer({ port: Number(port) })
      }
    })

    test('wrong tokens: 401 or 403, whatever the body; no row, no dead letter', async t => {
      await assertNothingWritten(async () => {
        for (const { what, header, status } of wrongTokens(issuer, service.claims)) {
          await t.test(`${what}: ${status}`, async () => {
            const given = await header()
            if (given) noted(given.replace(/^Bearer /, ''))
            for (const body of ['{}', 'x'.repeat(300_000)]) {
              const authorization = given === undefined ? {} : { authorization: given }
              const answer = await post(body, { ...authorization, 'content-type': 'application/json' })
              assert.equal(answer.status, status)
              assert.equal(answer.headers.get('content-type'), 'application/problem+json; charset=utf-8')
              assert.deepEqual(findParts(await answer.text(), [given ?? '']), [])
            }
          })
        }
      })
      assert.deepEqual(await deadLetters(), [])
    })

    test('broken envelopes: 400, 403, 413 or 415; no row, no dead letter', async t => {
      await assertNothingWritten(async () => {
        for (const { what, body, type, status } of brokenEnvelopes(name)) {
          await t.test(`${what}: ${status}`, async () => {
            const headers = { authorization: `Bearer ${await genuine()}`, 'content-type': type }
            assert.equal((await post(body, headers)).status, status)
          })
        }
      })
      assert.deepEqual(await deadLetters(), [])
    })

    test('broken messages: 204, no row, one dead letter each, as it came and with its reason', async t => {
      const table = brokenMessages()
      await assertNothingWritten(async () => {
        for (const [index, { what, message }] of table.entries())
          assert.equal(await push(message, `m${index}`), 204, what)
      })
      const letters = Map.groupBy(await deadLetters(), letter => letter.attributes.dead_letter_message_id)
      for (const [index, { what, message, reason, kept = message.attributes }] of table.entries()) {
        await t.test(`${what}: ${reason}`, () => {
          const [letter, ...more] = letters.get(`m${index}`) ?? []
          assert.deepEqual(more, [])
          assertDeadLetter(letter, { name, message, reason, kept })
        })
      }
      assert.equal(letters.size, table.length)
    })

    test('a message of version 1 is handled, with fields that nobody knows too', async () => {
      const deployed = createFact('EscrowDeployed', { escrow_address: testAddress(`${name} v1`) })
      const released = {
        ...createFact('EscrowReleased', { escrow_address: testAddress(`${name} v1`), block_number: 2 }),
        memo: { of: [1] }
      }
      for (const fact of [deployed, released]) assert.equal(await push(messageOf(fact)), 204)
      const facts =
        await service.sql`select fact_id from facts where escrow_address = ${testAddress(`${name} v1`)} order by block_number`
      assert.deepEqual(
        facts.map(row => row.fact_id),
        [deployed.fact_id, released.fact_id]
      )
      assert.deepEqual(await deadLetters(), [])
    })

    test('a delivery again: 204 and nothing more; the same id with another body: a dead letter', async () => {
      const fact = createFact('EscrowDeployed', { escrow_address: testAddress(`${name} again`) })
      assert.equal(await push(messageOf(fact)), 204)
      const other = messageOf({ ...fact, amount: '1' })
      await assertNothingWritten(async () => {
        assert.equal(await push(messageOf(fact)), 204)
        assert.deepEqual(await deadLetters(), [])
        assert.equal(await push(other), 204)
      })
      const [letter, ...more] = await deadLetters()
      assert.deepEqual(more, [])
      assertDeadLetter(letter, { name, message: other, reason: 'id_reused', kept: other.attributes })
    })

    test('one correlation id, from the message to the row, the log and what goes out', async () => {
      const escrow_address = testAddress(`${name} followed`)
      const fact = createFact('EscrowDeployed', { escrow_address, finality: 'finalized' })
      const correlation_id = `escrow:31337:${escrow_address}`
      const traceparent = `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`
      const message = messageOf(fact)
      assert.equal(await push({ ...message, attributes: { ...message.attributes, traceparent } }), 204)
      const [row] = await service.sql`select correlation_id from fact_messages where event_id = ${fact.event_id}`
      assert.equal(row?.correlation_id, correlation_id)
      const line = service.lines().find(one => one.event_id === fact.event_id)
      assert.deepEqual([line?.message, line?.correlation_id], ['escrow_event_processed', correlation_id])
      const sent = (await broker.pull('outcomes')).map(({ attributes }) => attributes)
      if (name !== 'settlement') return assert.deepEqual(sent, [])
      const [outcome, ...more] = sent
      assert.deepEqual([outcome?.event_type, outcome?.correlation_id, more], ['escrow_funded', correlation_id, []])
      assert.match(outcome?.traceparent ?? '', /^00-(ab){16}-(?!(cd){8})[0-9a-f]{16}-01$/)
    })

    test('without the broker: 503 for what needs a dead letter, 204 for what commits; a sweep publishes later', async () => {
      const escrow_address = testAddress(`${name} alone`)
      await broker.stop()
      const [broken] = brokenMessages()
      const fact = createFact('EscrowDeployed', { escrow_address })
      try {
        await assertNothingWritten(async () => assert.equal(broken && (await push(broken.message)), 503))
        assert.equal(await push(messageOf(atLevel(fact, 'finalized'))), 204)
      } finally {
        await broker.start()
      }
      const authorization = `Bearer ${noted(await issuer.mint({ audience: service.claims.audience, email: OPERATOR }))}`
      const waiting = async () => {
        const answer = await fetch(`${service.url}/outbox/sweep`, { method: 'POST', headers: { authorization } })
        assert.equal(answer.status, 200)
        return ((await answer.json()) as { depth: number }).depth // the route's schema
      }
      await until('all to be published', async () => (await waiting()) === 0)
      const sent = (await broker.pull('outcomes')).map(({ ordering_key }) => ordering_key)
      assert.deepEqual(sent, name === 'settlement' ? [escrow_address] : [])
      await until('a dead letter to go out', async () => broken !== undefined && (await push(broken.message)) === 204)
      assert.equal((await deadLetters()).length, 1)
    })

    test('no line of the log holds a part of a token', () => {
      assert.ok(tokens.length > 50 && service.lines().some(line => line.message === 'push_refused'))
      assert.deepEqual(findParts(service.log(), tokens), [])
      assert.notDeepEqual(findParts(`x${tokens.at(-1)?.slice(40, 60)}x`, tokens), [])
    })
  })
}

/** Stretches of 16 characters that stand both in the text and in a part of a token; three of them are enough to show. */
function findParts(text: string, given: readonly string[]): string[] {
  const stretches = (part: string) =>
    Array.from({ length: Math.max(0, part.length - 15) }, (_, at) => part.slice(at, at + 16))
  const inText = new Set(stretches(text))
  return given
    .flatMap(token => token.split('.').flatMap(stretches))
    .filter(stretch => inText.has(stretch))
    .slice(0, 3)
}

type Expected = { name: string; message: Message; reason: string; kept: Readonly<Record<string, string>> }

function assertDeadLetter(letter: Pulled | undefined, { name, message, reason, kept }: Expected): void {
  assert.ok(letter)
  const {
    dead_letter_reason,
    dead_letter_detail,
    dead_letter_source_subscription,
    dead_letter_message_id,
    dead_letter_time,
    dead_letter_truncated,
    ...original
  } = letter.attributes
  assert.deepEqual(original, kept)
  assert.equal(dead_letter_reason, reason)
  assert.equal(dead_letter_source_subscription, `projects/test/subscriptions/escrow-events-${name}`)
  assert.ok(dead_letter_detail && dead_letter_message_id && !Number.isNaN(Date.parse(dead_letter_time ?? '')))
  assert.equal(dead_letter_truncated, Object.keys(message.attributes).length > 90 ? 'true' : undefined)
  assert.equal(letter.ordering_key, message.ordering_key)
  assert.equal(letter.data, reason === 'not_base64' ? message.data : Buffer.from(message.data, 'base64').toString())
}
