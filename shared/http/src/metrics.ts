import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client'

export type Outcome = 'handled' | 'duplicate' | 'dead_letter' | 'retry'

/** One registry per service, so that several services can live in one process. */
export type Metrics = {
  registry: Registry
  messages: Counter<'subscription' | 'outcome'>
  messageSeconds: Histogram<'subscription'>
  batchSize: Histogram<'topic'>
  requestSeconds: Histogram<'method' | 'route' | 'status'>
}

const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  return {
    registry,
    messages: new Counter({
      name: 'pubsub_messages_total',
      help: 'Pushed messages by what became of them',
      labelNames: ['subscription', 'outcome'],
      registers
    }),
    messageSeconds: new Histogram({
      name: 'pubsub_message_seconds',
      help: 'From the push to the answer',
      labelNames: ['subscription'],
      buckets: seconds,
      registers
    }),
    batchSize: new Histogram({
      name: 'pubsub_batch_messages',
      help: 'Messages that one transaction handled',
      labelNames: ['topic'],
      buckets: [1, 2, 5, 10, 20, 50, 100, 200],
      registers
    }),
    requestSeconds: new Histogram({
      name: 'http_request_seconds',
      help: 'Requests by route and status',
      labelNames: ['method', 'route', 'status'],
      buckets: seconds,
      registers
    })
  }
}
