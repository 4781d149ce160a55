import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { compliance, migrations as complianceMigrations } from '@fusion-prime/compliance'
import { catalog } from '@fusion-prime/events'
import { createTestBroker, type TestBroker } from '@fusion-prime/local/testing/broker.ts'
import { type LiveService, startLiveService } from '@fusion-prime/local/testing/live-service.ts'
import { riskEngine, migrations as riskMigrations } from '@fusion-prime/risk-engine'
import { settlement, migrations as settlementMigrations } from '@fusion-prime/settlement'
import { type Issuer, startIssuer } from '../shared/local/src/issuer.ts'
import { operationsOf, type RestOperation } from './operations.ts'
import { wrongTokens } from './push-contract.ts'

const nowhere = 'http://127.0.0.1:9'
const folder = await mkdtemp(join(tmpdir(), 'operations-'))
const listFile = join(folder, 'sanctions.json')
const services = [
  {
    service: settlement,
    migrations: settlementMigrations,
    settings: { RISK_ENGINE_URL: nowhere, COMPLIANCE_URL: nowhere }
  },
  { service: riskEngine, migrations: riskMigrations, settings: {} },
  {
    service: compliance,
    migrations: complianceMigrations,
    settings: { SANCTIONS_LIST_URL: pathToFileURL(listFile).href }
  }
]

/** Allowed one operation and no other. */
const only = (operation: RestOperation): string => `only-${operation.id}@test.iam.gserviceaccount.com`

let issuer: Issuer
let broker: TestBroker

before(async () => {
  // Without a list, and an empty one is none, some operations of compliance answer 503.
  const names = [{ name: 'Nobody', list: 'test' }]
  await writeFile(listFile, JSON.stringify({ version: '1', as_of: new Date().toISOString(), addresses: [], names }))
  issuer = await startIssuer()
  broker = await createTestBroker(catalog())
})

after(async () => {
  await broker.close()
  await issuer.close()
  await rm(folder, { recursive: true })
})

for (const { service, migrations, settings } of services) {
  suite(`who may call ${service.name}`, () => {
    const operations = operationsOf(service.name)
    const callers = Object.fromEntries(operations.map(operation => [only(operation), [operation.id]]))
    let live: LiveService

    before(async () => {
      const ALLOWED_CALLERS = JSON.stringify(callers)
      live = await startLiveService<typeof service.config>(service, {
        migrations,
        issuer,
        settings: { ...settings, ALLOWED_CALLERS }
      })
    })
    after(() => live.close())

    async function call({ method, path }: RestOperation, authorization: string | undefined): Promise<number> {
      const answer = await fetch(`${live.url}${path.replaceAll(/\{[^}]+\}/g, 'x')}`, {
        method,
        headers: {
          ...(authorization && { authorization }),
          ...(method === 'POST' && { 'content-type': 'application/json' })
        },
        ...(method === 'POST' && { body: '{}' })
      })
      await answer.arrayBuffer()
      return answer.status
    }

    for (const [index, operation] of operations.entries()) {
      test(`${operation.id}: ${operation.method} ${operation.path}`, async () => {
        const { audience } = live.claims
        for (const { what, header, status } of wrongTokens(issuer, { audience, email: only(operation) }))
          assert.equal(await call(operation, await header()), status, what)
        const another = operations[(index + 1) % operations.length]
        assert.ok(another && another.id !== operation.id)
        const other = await issuer.mint({ audience, email: only(another) })
        assert.equal(await call(operation, `Bearer ${other}`), 403, 'allowed another operation')
        const right = await issuer.mint({ audience, email: only(operation) })
        const status = await call(operation, `Bearer ${right}`)
        assert.ok(status !== 401 && status !== 403 && status < 500, `the right caller got ${status}`)
      })
    }
  })
}
