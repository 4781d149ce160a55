import { code, type World } from './chapter.ts'
import { subscriptionName, topicName } from './support.ts'

export async function administration({ clients: { publisher, subscriber }, note }: World) {
  const topic = topicName('admin')
  const name = subscriptionName('admin')
  async function create(fields: object) {
    const refused = subscriptionName('refused')
    const seen = await code(subscriber.createSubscription({ name: refused, topic, ...fields }))
    if (seen === 'OK') await subscriber.deleteSubscription({ subscription: refused })
    return seen
  }
  note('create a topic', await code(publisher.createTopic({ name: topic })))
  note('create it again', await code(publisher.createTopic({ name: topic })))
  note('create a topic with a bad name', await code(publisher.createTopic({ name: topicName('a') })))
  note('create a topic named goog…', await code(publisher.createTopic({ name: topicName('google') })))
  note('get an unknown topic', await code(publisher.getTopic({ topic: topicName('unknown') })))
  note('subscribe', await code(subscriber.createSubscription({ name, topic })))
  note('subscribe again', await code(subscriber.createSubscription({ name, topic })))
  note('subscribe to an unknown topic', await create({ topic: topicName('unknown') }))
  note('subscribe with 5 s to ack', await create({ ackDeadlineSeconds: 5 }))
  note(
    'subscribe with 3 attempts',
    await create({ deadLetterPolicy: { deadLetterTopic: topic, maxDeliveryAttempts: 3 } })
  )
  note('subscribe with 60 s of retention', await create({ messageRetentionDuration: { seconds: 60 } }))
  note('subscribe with back-off over 600 s', await create({ retryPolicy: { maximumBackoff: { seconds: 601 } } }))
  note('subscribe with a filter that is nonsense', await create({ filter: 'nonsense ((' }))
  note('subscribe with a filter of 257 bytes', await create({ filter: `attributes.a = "${'x'.repeat(257 - 17)}"` }))
  const [made] = await subscriber.getSubscription({ subscription: name })
  note('get the subscription', {
    ackDeadlineSeconds: made.ackDeadlineSeconds,
    retention: Number(made.messageRetentionDuration?.seconds),
    ordered: made.enableMessageOrdering,
    endpoint: made.pushConfig?.pushEndpoint,
    state: made.state
  })
  note(
    'get an unknown subscription',
    await code(subscriber.getSubscription({ subscription: subscriptionName('unknown') }))
  )
  note('list a topic’s subscriptions', (await publisher.listTopicSubscriptions({ topic }))[0])
  note(
    'list the subscriptions of an unknown topic',
    await code(publisher.listTopicSubscriptions({ topic: topicName('unknown') }))
  )
  note('pull 0 messages', await code(subscriber.pull({ subscription: name, maxMessages: 0 })))
  note('ack nonsense', await code(subscriber.acknowledge({ subscription: name, ackIds: ['nonsense'] })))
  note('ack nothing', await code(subscriber.acknowledge({ subscription: name, ackIds: [] })))
  note(
    'extend by 601 s',
    await code(subscriber.modifyAckDeadline({ subscription: name, ackIds: ['x'], ackDeadlineSeconds: 601 }))
  )
  note('delete the topic', await code(publisher.deleteTopic({ topic })))
  note('its subscription’s topic', (await subscriber.getSubscription({ subscription: name }))[0].topic)
  note('publish to the deleted topic', await code(publisher.publish({ topic, messages: [{ data: Buffer.from('x') }] })))
  note('delete the subscription', await code(subscriber.deleteSubscription({ subscription: name })))
  note('delete it again', await code(subscriber.deleteSubscription({ subscription: name })))
}

export async function refusedMessages({ clients: { publisher }, note }: World) {
  const topic = topicName('refused-messages')
  await publisher.createTopic({ name: topic })
  const data = Buffer.from('x')
  const hundredAndOne = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`key-${index}`, 'x']))
  const cases = {
    'no message': [],
    'a message with nothing in it': [{}],
    'a message with attributes only': [{ attributes: { a: 'x' } }],
    '101 attributes': [{ data, attributes: hundredAndOne }],
    'a key of 256 bytes': [{ data, attributes: { ['k'.repeat(256)]: 'x' } }],
    'a key of 257 bytes': [{ data, attributes: { ['k'.repeat(257)]: 'x' } }],
    'an empty key': [{ data, attributes: { '': 'x' } }],
    'a value of 1,024 bytes': [{ data, attributes: { a: 'x'.repeat(1024) } }],
    'a value of 1,025 bytes': [{ data, attributes: { a: 'x'.repeat(1025) } }],
    'a key that begins with goog': [{ data, attributes: { googol: 'x' } }],
    'a key that begins with googclient_': [{ data, attributes: { googclient_traceparent: 'x' } }],
    'an ordering key of 1,025 bytes': [{ data, orderingKey: 'k'.repeat(1025) }],
    'more than 10 MB': [{ data: Buffer.alloc(10_000_001) }]
  }
  for (const [name, messages] of Object.entries(cases))
    note(`publish ${name}`, await code(publisher.publish({ topic, messages })))
}
