import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, fstatSync, openSync, readSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createSql, migrate, type Pool } from '@fusion-prime/postgres'
import { migrations } from '@fusion-prime/settlement'
import { deployables } from '../shared/local/src/deployables.ts'
import { pushClaims, serviceEnvironment, serviceUrl } from '../shared/local/src/environment.ts'
import type { Issuer } from '../shared/local/src/issuer.ts'
import type { LocalPostgres } from '../shared/local/src/postgres.ts'
import { PUSH_PREFIX } from '../shared/local/src/testing/facts.ts'

const READY_MS = 120_000
/** As much of a log as an error shows. */
const LOG_BYTES = 2_000
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

type Kind = {
  name: string
  /** How it differs from settlement. */
  meaning: string
  database: string
  script: string
  args: string[]
  /** Whether it keeps what it is told. */
  stores: boolean
}

const variant = here('push-variant.ts')

/** What answers the pushes. */
export const kinds = {
  bare: {
    name: 'no-op, bare',
    meaning: 'an HTTP server that answers 204 and does nothing else',
    database: 'bench_bare',
    script: here('no-op.ts'),
    args: [],
    stores: false
  },
  checks: {
    name: 'no-op, checks only',
    meaning: 'settlement without its database: token, envelope and message are checked and logged',
    database: 'bench_checks',
    script: variant,
    args: ['nowhere'],
    stores: false
  },
  naive: {
    name: 'naive',
    meaning: 'settlement with a transaction for every message, as many at once as its pool has connections',
    database: 'bench_naive',
    script: variant,
    args: ['alone'],
    stores: true
  },
  settlement: {
    name: 'settlement',
    meaning: 'as it runs in production',
    database: 'bench_settlement',
    script: deployables.settlement.main,
    args: [],
    stores: true
  }
} as const satisfies Record<string, Kind>

export type KindName = keyof typeof kinds
// The record's own keys.
export const kindNames = Object.keys(kinds) as KindName[]

export type Endpoint = {
  kind: KindName
  url: URL
  token: string
  /** Its own database, for counting. */
  sql: Pool
  /** The end of its log. */
  lastLines(): string
  stop(): Promise<void>
}

type Place = { postgres: LocalPostgres; issuer: Issuer; port: number }

/** Starts an endpoint in a process of its own, on a database of its own, with the environment that settlement has in production. */
export async function startEndpoint(kind: KindName, { postgres, issuer, port }: Place): Promise<Endpoint> {
  const { database: name, ...command } = kinds[kind]
  const database = await postgres.createDatabase(name)
  const sql = createSql({ url: database, max: 1, applicationName: 'bench' })
  await migrate(sql, { folders: migrations })
  const log = openLog()
  const child = launch(command, { env: environment({ port, issuer, database }), log })
  const root = serviceUrl(port)
  const endpoint = {
    kind,
    url: new URL('/pubsub/escrow-events', root),
    token: await issuer.mint(pushClaims('settlement', root)),
    sql,
    lastLines: () => readEnd(log),
    async stop() {
      await end(child)
      await sql.end()
      closeSync(log)
    }
  }
  await untilReady(child, endpoint)
  return endpoint
}

function environment({ port, issuer, database }: { port: number; issuer: Issuer; database: string }) {
  const places = {
    issuer,
    databases: {},
    ports: { settlement: port, 'event-relayer': 0, 'risk-engine': 0, compliance: 0, 'price-oracle': 0 },
    brokerHost: '127.0.0.1:1', // nothing is announced
    rpcUrl: '',
    chainId: 0,
    factory: '',
    startBlock: 0,
    sanctionsListUrl: '',
    pollSeconds: 1,
    market: {}
  }
  return { ...serviceEnvironment('settlement', { places, database }), PUSH_SUBSCRIPTION_PREFIX: PUSH_PREFIX }
}

/** A log goes to a file, since reading a pipe would take time from whoever sends the load; without a name it ends with its processes. */
function openLog(): number {
  const path = join(tmpdir(), `fusion-prime-bench-${randomUUID()}`)
  const log = openSync(path, 'a+')
  unlinkSync(path)
  return log
}

function readEnd(log: number): string {
  const { size } = fstatSync(log)
  const text = Buffer.alloc(Math.min(size, LOG_BYTES))
  readSync(log, text, { position: size - text.length })
  return text.toString()
}

const launch = (
  { script, args }: Pick<Kind, 'script' | 'args'>,
  { env, log }: { env: Record<string, string>; log: number }
): ChildProcess => fork(script, args, { env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', log, log, 'ipc'] })

async function untilReady(child: ChildProcess, { kind, url, lastLines, stop }: Endpoint): Promise<void> {
  const deadline = performance.now() + READY_MS
  while (!(await isReady(url))) {
    if (child.exitCode === null && performance.now() < deadline) await sleep(50)
    else {
      const fault = new Error(`${kind} did not become ready; the end of its log:\n${lastLines()}`)
      await stop()
      throw fault
    }
  }
}

async function isReady(url: URL): Promise<boolean> {
  try {
    return (await fetch(new URL('/health/ready', url))).ok
  } catch {
    return false
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const impatient = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await exited
  clearTimeout(impatient)
}
