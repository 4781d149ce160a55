import { status } from '@grpc/grpc-js'
import { type Clients, subscriptionName, topicName } from './support.ts'

export type World = { clients: Clients; note: (step: string, seen: unknown) => void }

export async function code(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'OK'
  } catch (error) {
    const number = error instanceof Error && 'code' in error ? Number(error.code) : Number.NaN
    return status[number] ?? String(error)
  }
}

export async function prepare({ publisher, subscriber }: Clients, id: string, fields: object = {}) {
  const topic = topicName(id)
  const subscription = subscriptionName(id)
  await publisher.createTopic({ name: topic })
  await subscriber.createSubscription({ name: subscription, topic, ackDeadlineSeconds: 10, ...fields })
  return {
    subscription,
    publish: (...messages: { text: string; key?: string; attributes?: Record<string, string> }[]) =>
      publisher.publish({
        topic,
        messages: messages.map(({ text, key = '', attributes = {} }) => ({
          data: Buffer.from(text),
          orderingKey: key,
          attributes
        }))
      }),
    /** Google's emulator waits for ever for a first message; with `returnImmediately` it answers with what is there. */
    async pull({ returnImmediately = false } = {}) {
      const [{ receivedMessages }] = await subscriber.pull({ subscription, maxMessages: 10, returnImmediately })
      return (receivedMessages ?? []).map(({ ackId, message, deliveryAttempt }) => ({
        ackId: ackId ?? '',
        text: String(message?.data),
        key: message?.orderingKey,
        attributes: message?.attributes,
        deliveryAttempt
      }))
    },
    ack: (ackIds: string[]) => subscriber.acknowledge({ subscription, ackIds }),
    nack: (ackIds: string[]) => subscriber.modifyAckDeadline({ subscription, ackIds, ackDeadlineSeconds: 0 })
  }
}

export const shown = <T extends { ackId: string }>(messages: T[]) => messages.map(({ ackId: _, ...rest }) => rest)
export const texts = (messages: { text: string }[]) => messages.map(({ text }) => text)
export const ids = (messages: { ackId: string }[]) => messages.map(({ ackId }) => ackId)
