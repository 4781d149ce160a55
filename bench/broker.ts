import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { PubSub } from '@google-cloud/pubsub'
import { type Broker, createBroker } from '../shared/local/src/broker/broker.ts'

const PROJECT = 'bench'
const TOPIC = `projects/${PROJECT}/topics/bench`
const BATCH = 500

type Run = { messages: number; keys: number; viaClient: boolean }

/** Pushes a second from publish to ack, to an endpoint in another process that answers 204: directly and through the real client. */
export async function benchBroker(messages = 30_000): Promise<{
  pushesPerSecond: number
  orderedPushesPerSecond: number
  clientPushesPerSecond: number
}> {
  const endpoint = fork(fileURLToPath(new URL('broker-endpoint.ts', import.meta.url)))
  try {
    const [port]: unknown[] = await once(endpoint, 'message')
    const broker = await createBroker({ project: PROJECT, mintToken: async () => 'token' })
    try {
      prepare(broker, `http://127.0.0.1:${port}`)
      await measure(broker, { messages: messages / 10, keys: 0, viaClient: false })
      return {
        pushesPerSecond: await measure(broker, { messages, keys: 0, viaClient: false }),
        orderedPushesPerSecond: await measure(broker, { messages, keys: 200, viaClient: false }),
        clientPushesPerSecond: await measure(broker, { messages, keys: 0, viaClient: true })
      }
    } finally {
      await broker.close()
    }
  } finally {
    endpoint.kill()
  }
}

function prepare(broker: Broker, url: string) {
  const subscription = {
    name: 'bench-push',
    topic: 'bench',
    kind: 'push' as const,
    service: 'sink',
    push_path: '/pubsub/bench',
    filter: 'attributes.event_type = "EscrowReleased"',
    ordered: true,
    ack_deadline_seconds: 60,
    minimum_backoff_seconds: 10,
    maximum_backoff_seconds: 600,
    max_delivery_attempts: null,
    dead_letter_topic: null,
    message_retention_seconds: 604_800
  }
  const endpoints = { sink: { url, audience: url, email: 'push@bench.iam.gserviceaccount.com' } }
  broker.applyCatalog({ topics: [{ name: 'bench' }], subscriptions: [subscription] }, { endpoints })
}

async function measure(broker: Broker, { messages, keys, viaClient }: Run): Promise<number> {
  const data = Buffer.alloc(600, 'a')
  const attributes = { event_type: 'EscrowReleased', event_id: '0'.repeat(36), correlation_id: '1'.repeat(36) }
  const message = (index: number) => ({ data, attributes, orderingKey: keys > 0 ? `key-${index % keys}` : '' })
  const startedAt = performance.now()
  if (viaClient) await publishWithClient(broker, messages, message)
  else {
    for (let first = 0; first < messages; first += BATCH) {
      broker.publish(
        TOPIC,
        Array.from({ length: BATCH }, (_, index) => message(first + index))
      )
      await new Promise(setImmediate)
    }
  }
  await broker.idle()
  return Math.round((messages * 1000) / (performance.now() - startedAt))
}

async function publishWithClient(broker: Broker, messages: number, message: (index: number) => object) {
  process.env.METADATA_SERVER_DETECTION = 'none' // no search for Google's metadata server
  const client = new PubSub({ projectId: PROJECT, apiEndpoint: `http://${broker.host}`, emulatorMode: true })
  const topic = client.topic('bench', { batching: { maxMessages: BATCH } })
  await Promise.all(Array.from({ length: messages }, (_, index) => topic.publishMessage(message(index))))
  await client.close()
}

if (import.meta.main) process.stdout.write(`${JSON.stringify(await benchBroker())}\n`)
