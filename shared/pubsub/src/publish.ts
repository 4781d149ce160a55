import { Buffer } from 'node:buffer'
import { PubSub, type Topic } from '@google-cloud/pubsub'

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
 */
export function createPublisher({ project, timeoutMs }: { project: string; timeoutMs: number }): Publisher {
  const client = new PubSub({ projectId: project })
  const topics = new Map<string, Topic>()

  function topicOf(name: string): Topic {
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

  async function publishOne(message: PubSubMessage): Promise<Error | undefined> {
    const data = typeof message.data === 'string' ? Buffer.from(message.data) : message.data
    const { attributes, ordering_key: orderingKey } = message
    try {
      await topicOf(message.topic).publishMessage({ data, attributes, ...(orderingKey && { orderingKey }) })
      return undefined
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }

  return {
    async publish(messages) {
      const answers = await Promise.all(messages.map(publishOne))
      for (const [index, message] of messages.entries()) {
        if (answers[index] && message.ordering_key) topicOf(message.topic).resumePublishing(message.ordering_key)
      }
      return answers
    },
    async close() {
      await client.close()
    }
  }
}
