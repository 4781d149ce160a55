import { type SubscriptionDefinition, subscriptionList } from '@fusion-prime/events'
import { holds } from '@fusion-prime/local/testing/wait.ts'
import { type DeployableName, deployables } from '../shared/local/src/deployables.ts'
import { withSql } from './final-state.ts'

type Urls = Readonly<Record<string, string>>

type Options = {
  /** Topics. */
  except?: readonly string[]
  /** How long a message may be on its way. */
  patienceMs?: number
  /** The event_ids of messages whose outbox rows are gone. */
  forgotten?: ReadonlySet<string>
}

/**
 * Compares the inbox of every subscription with the outboxes of those who publish to its topic, message by message; says in words what
 * was lost or invented. What is published meanwhile is neither: it had no time to arrive, or was there when it did.
 */
export async function inboxFaults(
  urls: Urls,
  { except = [], patienceMs, forgotten = new Set() }: Options = {}
): Promise<string[]> {
  const compared = subscriptionList.filter(one => !except.includes(one.topic.name))
  return (await Promise.all(compared.map(one => faultsOf(one, { urls, patienceMs, forgotten })))).flat()
}

async function faultsOf(
  subscription: SubscriptionDefinition,
  { urls, patienceMs, forgotten }: { urls: Urls; patienceMs: number | undefined; forgotten: ReadonlySet<string> }
): Promise<string[]> {
  const meant = await readSent(urls, subscription)
  let handled = new Set<string>()
  const arrived = async () => {
    handled = await readHandled(urls, subscription)
    return meant.isSubsetOf(handled)
  }
  await holds(arrived, { patienceMs })
  const lost = [...meant.difference(handled)]
  const invented = [...handled.difference(await readSent(urls, subscription)).difference(forgotten)]
  const { name } = subscription
  return [
    ...(lost.length > 0 ? [`${name}: ${lost.length} of ${meant.size} never arrived, as ${lost[0]}`] : []),
    ...(invented.length > 0 ? [`${name}: ${invented.length} were published by nobody, as ${invented[0]}`] : [])
  ]
}

async function readSent(urls: Urls, { topic, filter }: SubscriptionDefinition): Promise<Set<string>> {
  const sent = await Promise.all(
    topic.publishers.map(publisher =>
      withSql(
        urlOf(urls, publisher),
        sql => sql<{ event_id: string; once: boolean | null }[]>`
          select event_id, attributes->>'first' = 'true' or attributes->>'finality' = 'reverted' as once
          from outbox where topic = ${topic.name}`
      )
    )
  )
  // The catalogue's only filter is that of consumers that act once per fact.
  const passing = sent.flat().filter(({ once }) => filter === null || once)
  return new Set(passing.map(one => one.event_id))
}

const readHandled = (urls: Urls, { service, topic }: SubscriptionDefinition): Promise<Set<string>> =>
  withSql(urlOf(urls, service), async sql => {
    const rows = await sql<{ event_id: string }[]>`select event_id from processed_events where topic = ${topic.name}`
    return new Set(rows.map(row => row.event_id))
  })

// The catalogue names deployables.
const urlOf = (urls: Urls, name: string): string | undefined => urls[deployables[name as DeployableName].database]
