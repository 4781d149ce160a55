import { createAgenda } from './agenda.ts'
import { applyCatalog, type Catalog, type Endpoint } from './catalog.ts'
import { type Clock, systemClock } from './clock.ts'
import type { Backoff } from './config.ts'
import { createEngine, type Engine } from './engine.ts'
import type { Faults } from './faults.ts'
import { serveGrpc } from './grpc.ts'
import { noJournal, openJournal } from './journal.ts'
import { publisherService } from './publisher.ts'
import { createPusher, type Delivery } from './push.ts'
import type { SubscriptionStats } from './stats.ts'
import { subscriberService } from './subscriber.ts'
import type { MintToken } from './tokens.ts'

export type BrokerOptions = {
  project: string
  host?: string
  /** 0, the default, takes a free one. */
  port?: number
  mintToken: MintToken
  clock?: Clock
  faults?: Faults
  /** Messages that aren't acked survive the process here. Without it they are in memory only. */
  dataDir?: string
  /** Replaces every subscription's back-off. */
  retry?: Backoff
  /** Replaces every subscription's ack deadline. */
  ackDeadlineSeconds?: number
  /** Pushes in flight per subscription, 1000 by default. */
  maxOutstanding?: number
}

export type Broker = {
  /** `host:port`, for PUBSUB_EMULATOR_HOST. */
  readonly host: string
  /** Makes topics and subscriptions; endpoints by service, null for one that doesn't run. */
  applyCatalog: (catalog: Catalog, options: { endpoints: Readonly<Record<string, Endpoint | null>> }) => void
  /** The service listens elsewhere now: same claims, other address. */
  setEndpoint: (service: string, url: string) => void
  publish: Engine['publish']
  /** By subscription, without `projects/…/subscriptions/`. */
  stats: () => Record<string, SubscriptionStats>
  /** Resolves when no push subscription has a message left, waiting or in flight. */
  idle: () => Promise<void>
  /** Told of every push; returns what ends that. */
  onDelivery: (listener: (delivery: Delivery) => void) => () => void
  close: () => Promise<void>
}

/** A Pub/Sub for one machine: Google's gRPC API, real pushes over HTTP with OIDC tokens, and on request faults by a seed. */
export async function createBroker(options: BrokerOptions): Promise<Broker> {
  const { project, mintToken, host = '127.0.0.1', port = 0, clock = systemClock } = options
  const agenda = createAgenda(clock)
  const journal = options.dataDir === undefined ? noJournal : await openJournal(options.dataDir)
  const listeners = new Set<(delivery: Delivery) => void>()
  const pusher = createPusher({
    clock,
    mintToken,
    maxOutstanding: options.maxOutstanding ?? 1000,
    onDelivery: delivery => {
      for (const listener of listeners) listener(delivery)
    }
  })
  const { faults, retry, ackDeadlineSeconds } = options
  const engine = createEngine({ clock, agenda, journal, faults, retry, ackDeadlineSeconds, startPush: pusher.start })
  const services = { Publisher: publisherService(engine), Subscriber: subscriberService(engine) }
  const server = await serveGrpc(services, { host, port })
  let applied: { catalog: Catalog; endpoints: Readonly<Record<string, Endpoint | null>> } | undefined

  return {
    host: `${host}:${server.port}`,
    applyCatalog(catalog, { endpoints }) {
      applyCatalog(engine, { project, catalog, endpoints })
      applied = { catalog, endpoints }
    },
    setEndpoint(service, url) {
      const endpoint = applied?.endpoints[service]
      if (!applied || !endpoint) throw new Error(`No endpoint of '${service}' to move. Name it in applyCatalog first.`)
      const endpoints = { ...applied.endpoints, [service]: { ...endpoint, url } }
      applyCatalog(engine, { project, catalog: applied.catalog, endpoints })
      applied = { ...applied, endpoints }
    },
    publish: engine.publish,
    stats: () => Object.fromEntries(engine.subscriptions().map(each => [shortName(each.config.name), each.stats()])),
    idle: engine.idle,
    onDelivery(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async close() {
      server.close()
      agenda.close()
      await pusher.close()
      journal.close()
    }
  }
}

const shortName = (name: string): string => name.slice(name.lastIndexOf('/') + 1)
