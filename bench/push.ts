import { createSql } from '@fusion-prime/postgres'
import { startIssuer } from '../shared/local/src/issuer.ts'
import { freePorts } from '../shared/local/src/ports.ts'
import { startPostgres } from '../shared/local/src/postgres.ts'
import { type Loaded, postRequest, sendLoad } from './load.ts'
import { type Endpoint, type KindName, kindNames, kinds, startEndpoint } from './push-endpoints.ts'
import { type Mix, mixes, pushBodies } from './pushes.ts'

export type PushOptions = {
  rounds: number
  /** Pushes to an endpoint in a round. */
  messages: number
  /** Pushes under way at once. */
  concurrency: number
  /** Whether Postgres writes through to the disk, as in production. */
  fsync: boolean
  onProgress(step: string): void
}

/** What one endpoint did with one mix: a figure for each round, and the latency of every push. */
export type PushResult = { mix: Mix['name']; kind: KindName; perSecond: number[]; latencies: number[] }

/** Rows that a pushed fact leaves: one in each of these tables; none at an endpoint that stores nothing. */
const TABLES = ['processed_events', 'facts', 'fact_messages'] as const

/** The same pushes to every endpoint in turn, round by round; throws unless every push is answered 204 and stored once. */
export async function benchPush(options: PushOptions): Promise<{ postgres: string; results: PushResult[] }> {
  const { fsync, onProgress } = options
  await using stack = new AsyncDisposableStack()
  onProgress('starting Postgres and the token issuer')
  const postgres = stack.adopt(await startPostgres({ databases: [], durable: fsync }), one => one.stop())
  const issuer = stack.adopt(await startIssuer(), one => one.close())
  onProgress(`starting ${kindNames.length} endpoints`)
  const ports = await freePorts(kindNames.length)
  const endpoints: Endpoint[] = []
  for (const [index, kind] of kindNames.entries()) {
    const endpoint = await startEndpoint(kind, { postgres, issuer, port: ports[index] ?? 0 })
    endpoints.push(stack.adopt(endpoint, one => one.stop()))
  }
  return { postgres: await describePostgres(postgres.adminUrl), results: await runRounds(endpoints, options) }
}

async function runRounds(
  endpoints: readonly Endpoint[],
  { rounds, messages, concurrency, onProgress }: PushOptions
): Promise<PushResult[]> {
  const measured = mixes.flatMap(mix =>
    endpoints.map(endpoint => ({ mix, endpoint, perSecond: [] as number[], latencies: [] as number[] }))
  )
  let sent = 0
  for (let round = 0; round <= rounds; round++) {
    onProgress(round === 0 ? 'pushes: warming up' : `pushes: round ${round} of ${rounds}`)
    for (const mix of mixes) {
      const bodies = pushBodies(mix.facts(round, round === 0 ? Math.ceil(messages / 4) : messages))
      sent += bodies.length
      const turns = inTurn(
        measured.filter(one => one.mix === mix),
        round
      )
      for (const { endpoint, ...figures } of turns) {
        const loaded = await push(endpoint, { bodies, concurrency })
        await assertRows(endpoint, kinds[endpoint.kind].stores ? sent : 0)
        if (round > 0) note(loaded, figures)
      }
    }
  }
  return measured.map(({ mix, endpoint, ...figures }) => ({ mix: mix.name, kind: endpoint.kind, ...figures }))
}

function note({ seconds, latencies }: Loaded, figures: Pick<PushResult, 'perSecond' | 'latencies'>): void {
  figures.perSecond.push(latencies.length / seconds)
  for (const latency of latencies) figures.latencies.push(latency)
}

/** Every round begins with another one, so that none always follows the same neighbour. */
const inTurn = <Item>(items: readonly Item[], round: number): Item[] => {
  const first = round % items.length
  return [...items.slice(first), ...items.slice(0, first)]
}

async function push(
  { kind, url, token, lastLines }: Endpoint,
  { bodies, concurrency }: { bodies: readonly string[]; concurrency: number }
): Promise<Loaded> {
  const requests = bodies.map(body => postRequest(url, { token, body }))
  try {
    return await sendLoad(url, { requests, concurrency })
  } catch (error) {
    throw new Error(`${kind} failed; the end of its log:\n${lastLines()}`, { cause: error })
  }
}

/** Throws unless each of an endpoint's tables holds exactly that many rows. */
export async function assertRows({ kind, sql }: Pick<Endpoint, 'kind' | 'sql'>, expected: number): Promise<void> {
  for (const table of TABLES) {
    const [row] = await sql<{ count: number }[]>`select count(*)::int as count from ${sql(table)}`
    if (row?.count !== expected) throw new Error(`${kind}: ${table} has ${row?.count} rows, not ${expected}`)
  }
}

/** Its version, and how durable a commit is. */
export async function describePostgres(url: string): Promise<string> {
  const sql = createSql({ url, max: 1, applicationName: 'bench' })
  const [row] = await sql<{ version: string; fsync: string; commit: string }[]>`
    select current_setting('server_version') as version, current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit`
  await sql.end()
  return `PostgreSQL ${row?.version} (fsync ${row?.fsync}, synchronous_commit ${row?.commit})`
}
