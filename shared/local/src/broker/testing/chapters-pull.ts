import { until } from '../../testing/wait.ts'
import { code, ids, prepare, shown, texts, type World } from './chapter.ts'
import type { Clients } from './support.ts'

export async function pulling({ clients, note }: World) {
  const { publish, pull, ack, nack } = await prepare(clients, 'pulling')
  await publish({ text: 'one', attributes: { a: '1' } }, { text: 'two' })
  const first = await pull()
  note('pull', shown(first))
  await ack(ids(first.slice(0, 1)))
  await nack(ids(first.slice(1)))
  const second = await pull()
  note('pull after an ack and a nack', shown(second))
  await ack(ids(second))
  await ack(ids(second))
  note('pull when all is acked', shown(await pull({ returnImmediately: true })))
}

export async function orderedPulling({ clients, note }: World) {
  const { publish, pull, ack, nack } = await prepare(clients, 'ordered-pulling', { enableMessageOrdering: true })
  await publish({ text: 'a1', key: 'a' }, { text: 'a2', key: 'a' }, { text: 'a3', key: 'a' })
  const first = await pull()
  note('pull a key', texts(first))
  await publish({ text: 'a4', key: 'a' })
  note('pull a key again while its messages are out', texts(await pull({ returnImmediately: true })))
  await ack(ids(first.slice(0, 1)))
  await ack(ids(first.slice(2)))
  await nack(ids(first.slice(1, 2)))
  const again = await pull()
  note('pull a key of which the second was refused and the third acked', texts(again))
  await ack(ids(again))
}

export async function deadlines({ clients: { publisher, subscriber, ...clients }, note }: World) {
  const { publish, pull, ack } = await prepare({ publisher, subscriber, ...clients }, 'deadlines')
  await publish({ text: 'late' })
  await pull()
  const startedAt = Date.now()
  let again = await pull()
  while (again.length === 0 && Date.now() - startedAt < 20_000) again = await pull()
  const waited = Date.now() - startedAt
  note('redelivered after the ack deadline', { again: shown(again), after10s: waited > 8000 && waited < 16_000 })
  await ack(ids(again))
}

export async function streaming({ clients, note }: World) {
  const { publish } = await prepare(clients, 'streaming', { enableMessageOrdering: true })
  const sent = Array.from({ length: 60 }, (_, index) => ({ text: `${index}`, key: `key-${index % 3}` }))
  await publish(...sent)
  const got: Record<string, string[]> = {}
  let refused = 0
  const stream = clients.pubsub.subscription('streaming')
  stream.on('message', message => {
    if (message.data.toString() === '30' && refused++ === 0) return message.nack()
    const key = message.orderingKey ?? ''
    got[key] = [...(got[key] ?? []), message.data.toString()]
    message.ack()
  })
  stream.on('error', error => note('streaming failed', String(error)))
  await until('60 messages of the stream', () => new Set(Object.values(got).flat()).size === 60)
  await stream.close()
  const orders = Object.entries(got).map(([key, seen]) => [key, lastSeen(seen)])
  note('stream three keys, refusing one once', Object.fromEntries(orders.sort()))
  note('streaming an unknown subscription', await streamError(clients))
}

/** The order of the last deliveries: what came again counts where it came again. */
const lastSeen = (seen: string[]) => seen.filter((text, index) => seen.lastIndexOf(text) === index)

async function streamError({ pubsub }: Clients) {
  const stream = pubsub.subscription('unknown')
  const failure = new Promise<never>((_, reject) => stream.on('error', reject))
  stream.on('message', () => {})
  const seen = await code(failure)
  await stream.close()
  return seen
}

export async function filters({ clients, note }: World) {
  const filter = 'attributes.kind = "x" OR hasPrefix(attributes.kind, "y")'
  const { publish, pull } = await prepare(clients, 'filters', { filter })
  await publish(
    { text: 'x', attributes: { kind: 'x' } },
    { text: 'y', attributes: { kind: 'yes' } },
    { text: 'z', attributes: { kind: 'z' } }
  )
  note('pull with a filter', texts(await pull()).sort())
}
