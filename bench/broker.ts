import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { PubSub } from '@google-cloud/pubsub'
import { type Broker, createBroker } from '../shared/local/src/broker/broker.ts'

const PROJECT = 'bench'
const TOPIC = `projects/${PROJECT}/topics/bench`
const BATCH = 500

type Run = { messages: number; keys: number; viaClient: boolean }

/** Pushes a second from publish to ack, one figure for each round. */
export type BrokerResult = { name: string; perSecond: number[] }

const runs = [
  { name: 'no order', keys: 0, viaClient: false },
  { name: 'ordered, 200 keys', keys: 200, viaClient: false },
  { name: 'published with the real client', keys: 0, viaClient: true }
]

/** Pushes to an endpoint in another process that answers at once; publishing happens in the broker's process, directly and by the real client. */
export async function benchBroker(options: {
  rounds: number
  /** Per round. */
  messages: number
  onProgress(step: string): void
}): Promise<BrokerResult[]> {
  const { rounds, messages, onProgress } = options
  onProgress('broker: starting')
  await using stack = new AsyncDisposableStack()
  const endpoint = fork(fileURLToPath(new URL('no-op.ts', import.meta.url)))
  stack.defer(() => void endpoint.kill())
  const [port]: unknown[] = await once(endpoint, 'message')
  const broker = await createBroker({ project: PROJECT, mintToken: async () => 'token' })
  stack.defer(() => broker.close())
  prepare(broker, `http://127.0.0.1:${port}`)
  const results = runs.map(run => ({ run, perSecond: [] as number[] }))
  let published = 0
  for (let round = 0; round <= rounds; round++) {
    onProgress(round === 0 ? 'broker: warming up' : `broker: round ${round} of ${rounds}`)
    const count = round === 0 ? Math.ceil(messages / 4) : messages
    for (const { run, perSecond } of results) {
      const figure = await measure(broker, { messages: count, ...run })
      published += count
      await assertPushed(endpoint, published)
      if (round > 0) perSecond.push(figure)
    }
  }
  return results.map(({ run, perSecond }) => ({ name: run.name, perSecond }))
}

async function assertPushed(endpoint: ChildProcess, published: number): Promise<void> {
  endpoint.send('how many?')
  const [answered]: unknown[] = await once(endpoint, 'message')
  if (answered !== published) throw new Error(`${published} messages were published, ${answered} pushed`)
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
        Array.from({ length: Math.min(BATCH, messages - first) }, (_, index) => message(first + index))
      )
      await new Promise(setImmediate)
    }
  }
  await broker.idle()
  return (messages * 1_000) / (performance.now() - startedAt)
}

async function publishWithClient(broker: Broker, messages: number, message: (index: number) => object) {
  process.env.METADATA_SERVER_DETECTION = 'none' // no search for Google's metadata server
  const client = new PubSub({ projectId: PROJECT, apiEndpoint: `http://${broker.host}`, emulatorMode: true })
  const topic = client.topic('bench', { batching: { maxMessages: BATCH } })
  await Promise.all(Array.from({ length: messages }, (_, index) => topic.publishMessage(message(index))))
  await client.close()
}
