import { catalog } from '@fusion-prime/events'
import { holds } from '@fusion-prime/local/testing/wait.ts'
import type { Broker } from '../shared/local/src/broker/broker.ts'
import type { Faults } from '../shared/local/src/broker/faults.ts'
import type { Injected } from '../shared/local/src/broker/stats.ts'
import { deployables, serviceNames } from '../shared/local/src/deployables.ts'
import type { Stack } from '../shared/local/src/stack.ts'
import { bookFaults } from './books.ts'
import { caughtDuplicates, differences, type FinalState, RELAYED, readState, withSql } from './final-state.ts'
import { forget } from './forget.ts'
import type { HandledLog } from './handled-log.ts'
import { inboxFaults } from './inboxes.ts'

/** What came of one seed. The counts are those of settlement. */
export type Round = {
  seed: number
  injected: Injected
  /** Deliveries that the inbox recognized as duplicates. */
  caught: number
  milliseconds: number
  /** What is wrong, in words; empty when all is as without faults. */
  wrong: string[]
}

export type ReplayDeps = {
  stack: Stack
  handled: HandledLog
  /** The final state without faults. */
  expected: FinalState
}

export type RoundOptions = {
  seed: number
  /** Where settlement takes its pushes. */
  settlementUrl: string
  /** As the catalogue says, one push of an escrow at a time; or as many as there are. */
  pushes: 'in turn' | 'at once'
}

const SUBSCRIPTION = 'escrow-events-settlement'
/** Waits are short, so that twenty seeds take seconds each. */
const RETRY = { minimumBackoffSeconds: 0.02, maximumBackoffSeconds: 0.2 }

const faultsOf = (seed: number): Faults => ({
  seed,
  duplicate: 0.2,
  shuffle: 0.3,
  delay: { rate: 0.2, maxMs: 250 },
  lostAck: 0.2
})

/** Lets the consumers forget all, and the relayer publish all again through a broker that misbehaves; then compares. */
export async function replay({ stack, handled, expected }: ReplayDeps, options: RoundOptions): Promise<Round> {
  const { seed, settlementUrl, pushes } = options
  const startedAt = performance.now()
  const { databases } = stack.file
  const broker = await stack.renewBroker({
    faults: faultsOf(seed),
    retry: RETRY,
    maxOutstanding: 50,
    catalog: pushes === 'at once' ? withoutOrder() : catalog()
  })
  broker.setEndpoint('settlement', settlementUrl)
  const forgotten = await forget(databases)
  handled.clear()
  const wanted = await publishAgain(databases.relayer_db)

  const wrong: string[] = []
  const isPublished = await holds(() => hasPublishedAll(databases.relayer_db))
  const isDecided = async () => (await isIdle(broker)) && (await holds(() => hasTriedAll(databases.settlement_db)))
  if (!isPublished || !(await isDecided()) || !(await isIdle(broker))) wrong.push('not all was delivered')
  // A push may be answered before its log line has come here.
  await holds(() => handled.answered() >= factsDeliveredWell(broker))

  const stats = Object.entries(broker.stats())
  for (const [name, { deadLettered, backlog }] of stats) {
    if (deadLettered > 0) wrong.push(`${name}: ${deadLettered} messages were given up`)
    if (name.endsWith('-dlq-pull') && backlog > 0) wrong.push(`${name}: ${backlog} dead letters`)
  }
  wrong.push(...handled.faults(wanted), ...differences(expected, await readState(databases)))
  // Prices go on meanwhile, and those of earlier rounds were forgotten.
  wrong.push(...(await bookFaults(databases)))
  wrong.push(...(await inboxFaults(databases, { except: ['market.prices.v1'], forgotten })))
  return {
    seed,
    injected: broker.stats()[SUBSCRIPTION]?.injected ?? { duplicates: 0, delays: 0, inversions: 0, lostAcks: 0 },
    caught: await caughtDuplicates(databases[deployables.settlement.database]),
    milliseconds: performance.now() - startedAt,
    wrong
  }
}

function isIdle(broker: Broker): Promise<boolean> {
  let idle = false
  void broker.idle().then(() => {
    idle = true
  })
  return holds(() => idle)
}

const factsDeliveredWell = (broker: Broker): number =>
  serviceNames
    .map(name => broker.stats()[`escrow-events-${name}`])
    .reduce((sum, one) => sum + (one ? one.delivered - one.nacked : 0), 0)

/** The catalogue with settlement's subscription unordered: only then pushes of one escrow overlap. */
function withoutOrder(): ReturnType<typeof catalog> {
  const { subscriptions, ...rest } = catalog()
  return {
    ...rest,
    subscriptions: subscriptions.map(one => (one.name === SUBSCRIPTION ? { ...one, ordered: false } : one))
  }
}

/** Makes the relayer publish its whole outbox once more; answers the event_ids of facts that each service has to handle. */
async function publishAgain(url: string | undefined): Promise<Map<string, string[]>> {
  const sent = await withSql(
    url,
    sql => sql<{ event_id: string; topic: string; once: boolean }[]>`
      update outbox set published_at = null where topic = any (${RELAYED}::text[])
      returning event_id, topic, attributes->>'first' = 'true' or attributes->>'finality' = 'reverted' as once`
  )
  const facts = sent.filter(one => one.topic === 'escrow-events')
  return new Map(
    serviceNames.map(service => [
      service,
      facts.filter(one => service === 'settlement' || one.once).map(one => one.event_id)
    ])
  )
}

const hasPublishedAll = (url: string | undefined): Promise<boolean> =>
  withSql(url, async sql => {
    const [row] = await sql<
      { all: boolean }[]
    >`select not exists (select from outbox where published_at is null) as all`
    return row?.all ?? false
  })

/** Nothing is held because compliance was away; the schedule tries such commands again. */
const hasTriedAll = (url: string | undefined): Promise<boolean> =>
  withSql(url, async sql => {
    const [row] = await sql<{ all: boolean }[]>`
      select not exists (select from settlement_commands where reason = 'compliance_unreachable') as all`
    return row?.all ?? false
  })
