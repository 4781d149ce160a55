import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSql, migrate } from '@fusion-prime/postgres'
import { type Broker, createBroker } from '../../../shared/local/src/broker/broker.ts'
import type { Catalog } from '../../../shared/local/src/broker/catalog.ts'
import { PROJECT } from '../../../shared/local/src/environment.ts'
import { testDatabase } from '../../../shared/local/src/test-database.ts'
import { migrations } from '../src/app.ts'
import { type Published, readJournal } from './journal.ts'

export type Settings = Record<string, string>

/** What a relayer needs besides a chain: its database, and a broker that remembers everything that was published. */
export type Stage = {
  readonly databaseUrl: string
  /** Everything that was published so far, in that order. */
  published(): Promise<Published[]>
  /** Settings of a relayer on this stage; RPC_URLS and ESCROW_FACTORIES are its caller's. */
  readonly settings: Settings
  /** As if nobody had given a sign of life for LEASE_SECONDS. */
  endLease(): Promise<void>
  stopBroker(): Promise<void>
  /** At the same address, with what it remembers. */
  startBroker(): Promise<void>
  close(): Promise<void>
}

const TOPICS = ['escrow-events', 'settlement-commands', 'chain.ranges.v1']

/** Nobody pulls, so that the broker's journal keeps every message. */
const catalog: Catalog = {
  topics: TOPICS.map(name => ({ name })),
  subscriptions: TOPICS.map(topic => ({
    name: topic,
    topic,
    kind: 'pull',
    service: null,
    push_path: null,
    filter: null,
    ordered: true,
    ack_deadline_seconds: 60,
    minimum_backoff_seconds: 10,
    maximum_backoff_seconds: 600,
    max_delivery_attempts: null,
    dead_letter_topic: null,
    message_retention_seconds: 600_000
  }))
}

/** `databaseUrl`: of an empty database that the caller keeps and drops; default: one of its own. */
export async function createStage({ databaseUrl }: { databaseUrl?: string } = {}): Promise<Stage> {
  const own = databaseUrl === undefined ? await testDatabase() : undefined
  const url = own?.url ?? databaseUrl ?? ''
  const sql = createSql({ url, max: 1, applicationName: 'relayer-e2e' })
  await migrate(sql, { folders: migrations })
  const dataDir = await mkdtemp(join(tmpdir(), 'fusion-prime-relayer-'))
  const open = async (port: number): Promise<Broker> => {
    const broker = await createBroker({ project: PROJECT, port, dataDir, mintToken: async () => '' })
    broker.applyCatalog(catalog, { endpoints: {} })
    return broker
  }
  let broker: Broker | undefined = await open(0)
  const { host } = broker
  const stopBroker = async () => {
    await broker?.close()
    broker = undefined
  }
  return {
    databaseUrl: url,
    published: () => readJournal(dataDir),
    settings: {
      DATABASE_URL: url,
      GOOGLE_CLOUD_PROJECT: PROJECT,
      PUBSUB_EMULATOR_HOST: host,
      METADATA_SERVER_DETECTION: 'none',
      CHAIN_ID: '31337',
      START_BLOCK: '0',
      POLL_INTERVAL_SECONDS: '1',
      HOST: '127.0.0.1'
    },
    async endLease() {
      await sql`update leases set expires_at = now() - interval '1 second'`
    },
    stopBroker,
    async startBroker() {
      broker ??= await open(Number(host.split(':')[1]))
    },
    async close() {
      await stopBroker()
      await sql.end()
      await rm(dataDir, { recursive: true })
      await own?.close()
    }
  }
}
