import { Buffer } from 'node:buffer'
import type { PubSub, Topic } from '@google-cloud/pubsub'

/** What goes onto a topic: text or raw bytes, and string attributes. */
export type PubSubMessage = {
  topic: string
  data: string | Buffer
  attributes: Record<string, string>
  ordering_key: string
}

/** One answer per message, in the order given: undefined when Pub/Sub took it, else the fault. */
export type Publish = (messages: readonly PubSubMessage[]) => Promise<(Error | undefined)[]>

export type Publisher = { publish: Publish; close(): Promise<void> }

/**
 * Publishes through Google's client, in order per ordering key. A failed message fails the later ones of its key in the same call,
 * and the key is resumed, so that the next call starts where this one stopped. `timeoutMs` bounds a call; the client's own bound is 600 s.
 * Google's client is loaded by the first call: a quarter of a second and 30 MB that a process which publishes nothing needn't spend.
 */
export function createPublisher({ project, timeoutMs }: { project: string; timeoutMs: number }): Publisher {
  let opening: Promise<PubSub> | undefined
  const topics = new Map<string, Topic>()

  async function open(): Promise<PubSub> {
    const { PubSub } = await import('@google-cloud/pubsub')
    return new PubSub({ projectId: project })
  }

  function topicOf(client: PubSub, name: string): Topic {
    const known = topics.get(name)
    if (known) return known
    const made = client.topic(name, {
      messageOrdering: true,
      batching: { maxMilliseconds: 1, maxMessages: 500 },
      gaxOpts: { timeout: timeoutMs, retry: null }
    })
    topics.set(name, made)
    return made
  }

  async function publishOne(client: PubSub, message: PubSubMessage): Promise<Error | undefined> {
    const data = typeof message.data === 'string' ? Buffer.from(message.data) : message.data
    const { attributes, ordering_key: orderingKey } = message
    try {
      await topicOf(client, message.topic).publishMessage({ data, attributes, ...(orderingKey && { orderingKey }) })
      return undefined
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }

  return {
    async publish(messages) {
      opening ??= open()
      const client = await opening
      const answers = await Promise.all(messages.map(message => publishOne(client, message)))
      for (const [index, message] of messages.entries()) {
        if (answers[index] && message.ordering_key)
          topicOf(client, message.topic).resumePublishing(message.ordering_key)
      }
      return answers
    },
    async close() {
      await (await opening)?.close()
    }
  }
}
