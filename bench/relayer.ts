import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../shared/local/src/postgres.ts'
import { describePostgres } from './push.ts'
import type { Counts } from './relayer-answers.ts'
import { FACTORY } from './relayer-chain.ts'
import { type Database, type ModelNode, openDatabase, startBroker, startNode } from './relayer-processes.ts'
import { type Profile, summarize, takeProfile } from './relayer-profile.ts'
import { assertRelayed } from './relayer-rows.ts'
import { type ExpectedTick, expectedTicks, type Scenario, scenariosOf, titleOf } from './relayer-scenarios.ts'
import { runTick, type TickFigures } from './relayer-tick.ts'

export type RelayerOptions = {
  rounds: number
  /** Whether Postgres writes through to the disk, as in production. */
  fsync: boolean
  size: 'full' | 'quick'
  profile: 'profile' | 'plain'
  /** Only scenarios whose title holds it. */
  scenario: string
  onProgress(step: string): void
}

/** What one tick of a scenario did, in each round. */
export type RelayerResult = { scenario: Scenario; tick: ExpectedTick; rounds: MeasuredTick[] }
export type MeasuredTick = TickFigures & { counts: Counts; profile: Profile | undefined }

const PROJECT = 'bench'
const CHAIN_ID = 31337

/** The relayer from exec to exit on chains that a model node serves; throws unless it exits 0 and left every fact and message once. */
export async function benchRelayer(options: RelayerOptions): Promise<{ postgres: string; results: RelayerResult[] }> {
  const { fsync, size, rounds, onProgress } = options
  const chosen = scenariosOf({ size, holding: options.scenario })
  await using stack = new AsyncDisposableStack()
  onProgress('relayer: starting Postgres and the broker')
  const postgres = stack.adopt(await startPostgres({ databases: [], durable: fsync }), one => one.stop())
  const broker = stack.use(await startBroker(PROJECT))
  const folder = stack.adopt(await mkdtemp(join(tmpdir(), 'fusion-prime-bench-')), path =>
    rm(path, { recursive: true })
  )
  const results: RelayerResult[] = []
  for (const scenario of chosen) {
    const { urls, plan } = scenario
    const title = `relayer: ${titleOf(scenario)}`
    onProgress(`${title}: building the chain`)
    await using node = await startNode({ plan, chainId: CHAIN_ID, ports: urls })
    const measured = expectedTicks(scenario).map(tick => ({ scenario, tick, rounds: [] as MeasuredTick[] }))
    for (let round = 1; round <= rounds; round++) {
      await using database = await openDatabase(postgres)
      const env = environment({ scenario, node, database, brokerHost: broker.host })
      for (const { tick, rounds: done } of measured) {
        onProgress(`${title}: ${tick.name}, round ${round} of ${rounds}`)
        done.push(await measure(tick, { env, node, sql: database.sql, folder, profile: options.profile }))
        await assertRelayed(database.sql, { plan, tick })
      }
    }
    results.push(...measured)
  }
  return { postgres: await describePostgres(postgres.adminUrl), results }
}

type Bench = { env: Record<string, string>; node: ModelNode; folder: string } & Pick<Database, 'sql'> &
  Pick<RelayerOptions, 'profile'>

async function measure({ heads }: ExpectedTick, { node, ...bench }: Bench): Promise<MeasuredTick> {
  await node.begin(heads)
  const figures = await runTick(bench)
  const profile = bench.profile === 'profile' ? summarize(await takeProfile(bench.folder)) : undefined
  return { ...figures, counts: await node.counts(), profile }
}

const environment = (options: {
  scenario: Scenario
  node: ModelNode
  database: Database
  brokerHost: string
}): Record<string, string> => ({
  CHAIN_ID: String(CHAIN_ID),
  RPC_URLS: options.node.urls.join(','),
  ESCROW_FACTORIES: FACTORY,
  START_BLOCK: '1',
  OMISSION_CHECK: options.scenario.check,
  DATABASE_URL: options.database.url,
  GOOGLE_CLOUD_PROJECT: PROJECT,
  PUBSUB_EMULATOR_HOST: options.brokerHost,
  // There is no metadata server here to look for.
  METADATA_SERVER_DETECTION: 'none'
})
