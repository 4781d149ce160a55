import type { PushTarget, SubscriptionConfig } from './config.ts'
import type { Engine } from './engine.ts'

/** What the broker reads of the catalogue of events. */
export type Catalog = {
  readonly topics: readonly { readonly name: string }[]
  readonly subscriptions: readonly CatalogSubscription[]
}

export type CatalogSubscription = {
  readonly name: string
  readonly topic: string
  readonly kind: 'push' | 'pull'
  readonly service: string | null
  readonly push_path: string | null
  readonly filter: string | null
  readonly ordered: boolean
  readonly ack_deadline_seconds: number
  readonly minimum_backoff_seconds: number
  readonly maximum_backoff_seconds: number
  readonly max_delivery_attempts: number | null
  readonly dead_letter_topic: string | null
  readonly message_retention_seconds: number
}

/** Where a service listens, and the claims of the tokens that it accepts. */
export type Endpoint = { readonly url: string; readonly audience: string; readonly email: string }

export type ApplyCatalog = {
  project: string
  catalog: Catalog
  /** null: the service doesn't run; its messages wait. */
  endpoints: Readonly<Record<string, Endpoint | null>>
}

/** Makes what is missing and points existing subscriptions at the endpoints. Throws when a service that is pushed to has none. */
export function applyCatalog(engine: Engine, { project, catalog, endpoints }: ApplyCatalog): void {
  for (const { name } of catalog.topics) {
    const topic = `projects/${project}/topics/${name}`
    if (!engine.hasTopic(topic)) engine.createTopic(topic)
  }
  for (const subscription of catalog.subscriptions) {
    const config = toConfig(subscription, { project, push: target(subscription, endpoints) })
    if (engine.findSubscription(config.name)) engine.setPush(config.name, config.push)
    else engine.createSubscription(config)
  }
}

function target({ name, kind, service, push_path }: CatalogSubscription, endpoints: ApplyCatalog['endpoints']) {
  if (kind === 'pull' || service === null || push_path === null) return null
  const endpoint = endpoints[service]
  if (endpoint === undefined) {
    throw new Error(`Subscription ${name} pushes to '${service}', which has no endpoint. Give its address, or null.`)
  }
  return endpoint && pushTarget(endpoint, push_path)
}

export function pushTarget({ url, audience, email }: Endpoint, path: string): PushTarget {
  return { url: new URL(path, url).href, token: { audience, email } }
}

function toConfig(
  from: CatalogSubscription,
  { project, push }: { project: string; push: PushTarget | null }
): SubscriptionConfig {
  const topic = (name: string) => `projects/${project}/topics/${name}`
  const { dead_letter_topic, max_delivery_attempts } = from
  return {
    name: `projects/${project}/subscriptions/${from.name}`,
    topic: topic(from.topic),
    push,
    filter: from.filter ?? '',
    ordered: from.ordered,
    ackDeadlineSeconds: from.ack_deadline_seconds,
    retry: {
      minimumBackoffSeconds: from.minimum_backoff_seconds,
      maximumBackoffSeconds: from.maximum_backoff_seconds
    },
    deadLetter:
      dead_letter_topic !== null && max_delivery_attempts !== null
        ? { topic: topic(dead_letter_topic), maxDeliveryAttempts: max_delivery_attempts }
        : null,
    retentionSeconds: from.message_retention_seconds
  }
}
