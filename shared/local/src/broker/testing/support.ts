import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { PubSub, v1 } from '@google-cloud/pubsub'
import type { Clock } from '../clock.ts'

export const PROJECT = 'test-project'
export const topicName = (id: string): string => `projects/${PROJECT}/topics/${id}`
export const subscriptionName = (id: string): string => `projects/${PROJECT}/subscriptions/${id}`

/** Time that stands still until it is moved; timers run in order while it moves. */
export type ManualClock = Clock & { advance: (milliseconds: number) => void }

export function createManualClock(start = Date.UTC(2026, 0, 1)): ManualClock {
  let now = start
  let nextHandle = 1
  const timers = new Map<unknown, { at: number; run: () => void }>()
  return {
    now: () => now,
    setTimeout(run, milliseconds) {
      timers.set(nextHandle, { at: now + milliseconds, run })
      return nextHandle++
    },
    clearTimeout: handle => void timers.delete(handle),
    advance(milliseconds) {
      const end = now + milliseconds
      for (;;) {
        const due = [...timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0]
        if (!due) break
        const [handle, { at, run }] = due
        timers.delete(handle)
        now = Math.max(now, at)
        run()
      }
      now = end
    }
  }
}

export type PushBody = {
  message: {
    data?: string
    attributes?: Record<string, string>
    messageId: string
    publishTime: string
    orderingKey?: string
  }
  subscription: string
  deliveryAttempt?: number
}

export type Push = { path: string; headers: IncomingHttpHeaders; body: PushBody; text: string }

/** A real HTTP server that notes every push and answers what it is told; 102 is interim, and 500 follows it. */
export async function createReceiver(answer: (push: Push) => number | Promise<number>) {
  const pushes: Push[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    const push = { path: request.url ?? '', headers: request.headers, body: JSON.parse(text), text }
    pushes.push(push)
    const status = await answer(push)
    if (status === 102) response.writeProcessing()
    response.writeHead(status === 102 ? 500 : status).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The receiver has no port.')
  return {
    url: `http://127.0.0.1:${address.port}`,
    pushes,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  }
}

/** The real client library against an emulator's address. */
export async function createClients(host: string) {
  process.env.METADATA_SERVER_DETECTION = 'none' // no search for Google's metadata server
  const pubsub = new PubSub({ projectId: PROJECT, apiEndpoint: `http://${host}`, emulatorMode: true })
  const options = (await pubsub.getClientConfig()) as ConstructorParameters<typeof v1.PublisherClient>[0] // the same but for `| undefined`
  const publisher = new v1.PublisherClient(options)
  const subscriber = new v1.SubscriberClient(options)
  return {
    pubsub,
    publisher,
    subscriber,
    async close() {
      await Promise.all([pubsub.close(), publisher.close(), subscriber.close()])
    }
  }
}

export type Clients = Awaited<ReturnType<typeof createClients>>
