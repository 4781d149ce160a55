import type { UntypedServiceImplementation } from '@grpc/grpc-js'
import type { Engine } from './engine.ts'
import { BrokerError } from './errors.ts'
import { page, unary } from './grpc.ts'
import { checkMessages, checkName } from './limits.ts'
import type { WireMessage } from './wire.ts'

type Paging = { pageSize: number; pageToken: string }

/** google.pubsub.v1.Publisher */
export function publisherService(engine: Engine): UntypedServiceImplementation {
  function requireTopic(name: string) {
    checkName(name, 'topics')
    if (!engine.hasTopic(name)) throw new BrokerError('NOT_FOUND', `Topic not found (resource=${name}).`)
  }
  return {
    createTopic: unary(({ name }: { name: string }) => {
      checkName(name, 'topics')
      engine.createTopic(name)
      return { name }
    }),
    getTopic: unary(({ topic }: { topic: string }) => {
      requireTopic(topic)
      return { name: topic }
    }),
    listTopics: unary(({ project, ...paging }: Paging & { project: string }) => {
      const { items, nextPageToken } = page(
        engine.topics().filter(name => name.startsWith(`${project}/`)),
        paging
      )
      return { topics: items.map(name => ({ name })), nextPageToken }
    }),
    deleteTopic: unary(({ topic }: { topic: string }) => {
      requireTopic(topic)
      engine.deleteTopic(topic)
      return {}
    }),
    listTopicSubscriptions: unary(({ topic, ...paging }: Paging & { topic: string }) => {
      requireTopic(topic)
      const attached = engine.subscriptions().filter(({ config }) => config.topic === topic)
      const { items, nextPageToken } = page(
        attached.map(({ config }) => config.name),
        paging
      )
      return { subscriptions: items, nextPageToken }
    }),
    publish: unary(({ topic, messages }: { topic: string; messages: WireMessage[] }) => {
      requireTopic(topic)
      checkMessages(messages)
      const fields = messages.map(({ data, attributes, orderingKey }) => ({ data, attributes, orderingKey }))
      return { messageIds: engine.publish(topic, fields) }
    })
  }
}
