import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { compliance, migrations as complianceMigrations } from '@fusion-prime/compliance'
import { TEST_PROJECT } from '@fusion-prime/local/testing/broker.ts'
import { testAddress } from '@fusion-prime/local/testing/facts.ts'
import { type LiveService, OPERATOR, startLiveService } from '@fusion-prime/local/testing/live-service.ts'
import { until } from '@fusion-prime/local/testing/wait.ts'
import { assessPortfolio, checkCompliance } from '@fusion-prime/operations'
import { riskEngine, migrations as riskMigrations } from '@fusion-prime/risk-engine'
import { settlement, migrations as settlementMigrations } from '@fusion-prime/settlement'
import { type Issuer, startIssuer } from '../shared/local/src/issuer.ts'
import { freePorts } from '../shared/local/src/ports.ts'

/** The account that settlement runs as. */
export const SETTLEMENT = 'settlement@test.iam.gserviceaccount.com'
/** What the others let settlement ask them, and nothing else. */
export const allowed = { 'risk-engine': assessPortfolio, compliance: checkCompliance } as const
export const SANCTIONED = testAddress('sanctioned')

export type Callee = keyof typeof allowed
export type Name = Callee | 'settlement'

type Request = {
  method?: string
  body?: object
  /** Default: a genuine one of an operator. */
  token?: string | 'none'
}

/** The three services as they run in production, each started when a test says so. */
export type Services = Awaited<ReturnType<typeof createServices>>

/** Nothing runs yet. Settlement's tokens will come from a metadata server, which this process' environment names. */
export async function createServices() {
  const issuer = await startIssuer()
  delete process.env.METADATA_SERVER_DETECTION
  process.env.GOOGLE_CLOUD_PROJECT = TEST_PROJECT // else it is looked for with gcloud
  process.env.GCE_METADATA_HOST = await issuer.metadataHost(SETTLEMENT)
  const folder = await mkdtemp(join(tmpdir(), 'decisions-'))
  // A callee's URL is the audience of the tokens for it, so that it must be known before.
  const [risk, screening] = (await freePorts(2)).map(port => `http://127.0.0.1:${port}`)
  assert.ok(risk && screening)
  const urls = { 'risk-engine': risk, compliance: screening }
  const starts = startsOf({ issuer, urls, listUrl: await writeList(folder) })
  const running = new Map<Name, LiveService>()

  function live(name: Name): LiveService {
    const service = running.get(name)
    assert.ok(service, `${name} isn’t running`)
    return service
  }

  /** A genuine token of an account for a service's operations. */
  const tokenOf = (email: string, name: Name): Promise<string> =>
    issuer.mint({ email, audience: name === 'settlement' ? live(name).claims.audience : urls[name] })

  async function send(name: Name, path: string, { body, method, token }: Request = {}) {
    const bearer = token ?? (await tokenOf(OPERATOR, name))
    const answer = await fetch(`${live(name).url}${path}`, {
      method: method ?? (body ? 'POST' : 'GET'),
      headers: {
        ...(bearer !== 'none' && { authorization: `Bearer ${bearer}` }),
        ...(body && { 'content-type': 'application/json' })
      },
      ...(body && { body: JSON.stringify(body) })
    })
    return { status: answer.status, text: await answer.text() }
  }

  return {
    issuer,
    urls,
    live,
    runs: (name: Name): boolean => running.has(name),
    send,
    /** As an operator: the answer's body; with one of its own the request is a POST. */
    async ask<Answer>(name: Name, path: string, body?: object): Promise<Answer> {
      const { status, text } = await send(name, path, body ? { body } : {})
      assert.ok(status < 300, `${path}: ${status} ${text}`)
      return JSON.parse(text) // in the route’s schema
    },
    /** A callee that comes back is at its old address, on a fresh database. */
    async start(...names: Name[]): Promise<void> {
      for (const name of names) running.set(name, await starts[name]())
    },
    async stop(name: Name): Promise<void> {
      const service = live(name)
      running.delete(name)
      await service.close()
    },
    async close(): Promise<void> {
      for (const service of running.values()) await service.close()
      await issuer.close()
      await rm(folder, { recursive: true })
    }
  }
}

type Start = { issuer: Issuer; urls: Record<Callee, string>; listUrl: string }

function startsOf({ issuer, urls, listUrl }: Start): Record<Name, () => Promise<LiveService>> {
  const called = (name: Callee) => ({
    PORT: new URL(urls[name]).port,
    SERVICE_AUDIENCE: urls[name],
    ALLOWED_CALLERS: JSON.stringify({ [OPERATOR]: ['*'], [SETTLEMENT]: [allowed[name].id] })
  })
  const calling = {
    RISK_ENGINE_URL: urls['risk-engine'],
    COMPLIANCE_URL: urls.compliance,
    CALL_BACKOFF_MIN_MS: '10',
    CALL_BACKOFF_MAX_MS: '20',
    BREAKER_OPEN_MS: '500'
  }
  return {
    settlement: () => startLiveService(settlement, { migrations: settlementMigrations, issuer, settings: calling }),
    'risk-engine': () =>
      startLiveService(riskEngine, { migrations: riskMigrations, issuer, settings: called('risk-engine') }),
    async compliance() {
      const settings = { ...called('compliance'), SANCTIONS_LIST_URL: listUrl }
      const service = await startLiveService(compliance, { migrations: complianceMigrations, issuer, settings })
      // Before it has read its list it approves nothing.
      await until('the end of the list', () => service.lines().some(line => line.message === 'rescreening_finished'))
      return service
    }
  }
}

async function writeList(folder: string): Promise<string> {
  const file = join(folder, 'sanctions.json')
  const addresses = [{ address: SANCTIONED, chain: 'ETH', list: 'OFAC SDN' }]
  await writeFile(file, JSON.stringify({ version: '1', as_of: new Date().toISOString(), addresses, names: [] }))
  return pathToFileURL(file).href
}
