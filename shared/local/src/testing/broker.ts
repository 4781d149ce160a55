import { PubSub, v1 } from '@google-cloud/pubsub'
import { createBroker } from '../broker/broker.ts'
import type { Catalog } from '../broker/catalog.ts'

/** The project of the subscriptions that push in tests. */
export const TEST_PROJECT = 'test'

type SubscriberOptions = ConstructorParameters<typeof v1.SubscriberClient>[0]

/** A message as it was pulled, its data as text. */
export type Pulled = { data: string; attributes: Record<string, string>; ordering_key: string }

export type TestBroker = {
  /** `host:port`; this process' own clients find it in PUBSUB_EMULATOR_HOST. */
  readonly host: string
  /** Takes and acknowledges what waits at a pull subscription; one that stays empty for 300 ms is empty. */
  pull(subscription: string): Promise<Pulled[]>
  stop(): Promise<void>
  /** On the same port, with the catalogue and nothing else. */
  start(): Promise<void>
  close(): Promise<void>
}

/** The local broker with the catalogue's topics and pull subscriptions; nothing is pushed. Sets PUBSUB_EMULATOR_HOST. */
export async function createTestBroker(catalog: Catalog): Promise<TestBroker> {
  process.env.METADATA_SERVER_DETECTION = 'none' // no search for Google's metadata server
  const services = catalog.subscriptions.map(({ service }) => service).filter(service => service !== null)
  const endpoints = Object.fromEntries(services.map(service => [service, null]))
  const open = async (port: number) => {
    const broker = await createBroker({ project: TEST_PROJECT, port, mintToken: async () => '' })
    broker.applyCatalog(catalog, { endpoints })
    return broker
  }
  let broker = await open(0)
  const { host } = broker
  process.env.PUBSUB_EMULATOR_HOST = host
  const pubsub = new PubSub({ projectId: TEST_PROJECT })
  // The client's own configuration; its types differ in what may be undefined.
  const subscriber = new v1.SubscriberClient((await pubsub.getClientConfig()) as SubscriberOptions)

  async function pull(name: string): Promise<Pulled[]> {
    const subscription = `projects/${TEST_PROJECT}/subscriptions/${name}`
    const pulled: Pulled[] = []
    for (let emptyFor = 0; emptyFor < 3; ) {
      const [{ receivedMessages }] = await subscriber.pull({
        subscription,
        maxMessages: 1_000,
        returnImmediately: true
      })
      const messages = receivedMessages ?? []
      const ackIds = messages.flatMap(({ ackId }) => ackId ?? [])
      if (ackIds.length > 0) await subscriber.acknowledge({ subscription, ackIds })
      for (const { message } of messages) {
        const { data = '', attributes = {}, orderingKey = '' } = message ?? {}
        pulled.push({
          data: Buffer.from(data ?? '').toString(),
          attributes: attributes ?? {},
          ordering_key: orderingKey ?? ''
        })
      }
      emptyFor = messages.length > 0 ? 0 : emptyFor + 1
      if (messages.length === 0) await new Promise(resolve => setTimeout(resolve, 100))
    }
    return pulled
  }

  return {
    host,
    pull,
    stop: () => broker.close(),
    async start() {
      broker = await open(Number(host.split(':')[1]))
    },
    async close() {
      await subscriber.close()
      await pubsub.close()
      await broker.close()
    }
  }
}
