import { setTimeout as pause } from 'node:timers/promises'
import { until } from '../../testing/wait.ts'
import { code, prepare, shown, type World } from './chapter.ts'
import { type Clients, createReceiver, type Push, type PushBody, topicName } from './support.ts'

const RETRY_AT_ONCE = { minimumBackoff: { seconds: 0 }, maximumBackoff: { seconds: 0 } }

const decode = (body: PushBody) => Buffer.from(body.message.data ?? '', 'base64').toString()

export async function pushing({ clients, note }: World) {
  const answers = new Map<string, number[]>([
    ['201', [201]],
    ['202', [202]],
    ['204', [204]],
    ['301', [301]],
    ['404', [404]],
    ['500', [500]]
  ])
  const receiver = await createReceiver(({ body }) => answers.get(decode(body))?.shift() ?? 200)
  const { publish, subscription } = await prepare(clients, 'pushing', {
    retryPolicy: RETRY_AT_ONCE,
    pushConfig: {
      pushEndpoint: `${receiver.url}/path?query=1`,
      oidcToken: { serviceAccountEmail: 'push@example.com', audience: 'the-audience' }
    }
  })
  note(
    'pull a push subscription',
    await code(clients.subscriber.pull({ subscription, maxMessages: 1, returnImmediately: true }))
  )
  const statuses = [...answers.keys()]
  await publish({ text: 'all', key: 'key', attributes: { a: '1' } }, { text: '', attributes: { only: 'attributes' } })
  await publish(...statuses.map(text => ({ text })))
  const count = (text: string) => receiver.pushes.filter(({ body }) => decode(body) === text).length
  await until('refused pushes come again', () => ['301', '404', '500'].every(text => count(text) === 2))
  await pause(1500)
  note('push', shape(receiver.pushes.find(({ body }) => decode(body) === 'all')))
  note('push without data', shape(receiver.pushes.find(({ body }) => decode(body) === '')))
  for (const text of statuses) note(`deliveries when the answer is ${text}`, count(text))
  await clients.subscriber.deleteSubscription({ subscription })
  await receiver.close()
}

function shape(push: Push | undefined) {
  if (!push) return 'never came'
  const { messageId, publishTime, ...message } = push.body.message
  const { message_id, publish_time, ...rest } = { message_id: undefined, publish_time: undefined, ...message }
  return {
    path: push.path,
    type: push.headers['content-type'],
    authorization: push.headers.authorization?.split(' ')[0],
    body: { ...push.body, message: rest },
    idIsDigits: /^\d+$/.test(messageId) && message_id === messageId,
    timeIsIso: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(publishTime) && publish_time === publishTime
  }
}

export async function orderedPushing({ clients, note }: World) {
  let inFlight = 0
  let most = 0
  const seen: string[] = []
  const receiver = await createReceiver(async ({ body }) => {
    most = Math.max(most, ++inFlight)
    const isFirst = !seen.includes(decode(body))
    seen.push(decode(body))
    await pause(30)
    inFlight--
    return decode(body) === '2' && isFirst ? 500 : 200
  })
  const { publish, subscription } = await prepare(clients, 'ordered-pushing', {
    enableMessageOrdering: true,
    retryPolicy: RETRY_AT_ONCE,
    pushConfig: { pushEndpoint: receiver.url }
  })
  await publish(...['1', '2', '3', '4', '5'].map(text => ({ text, key: 'key' })))
  await until('the fifth push', () => seen.includes('5'))
  note('ordered push, the second refused once', { seen, most })
  await clients.subscriber.deleteSubscription({ subscription })
  await receiver.close()
}

/** Answers 500 to 'poison', 200 to all else. */
async function poisoned(clients: Clients, id: string, fields: object) {
  const letters = await prepare(clients, `${id}-letters`)
  const receiver = await createReceiver(({ body }) => (decode(body) === 'poison' ? 500 : 200))
  const { publish, subscription } = await prepare(clients, id, {
    retryPolicy: RETRY_AT_ONCE,
    deadLetterPolicy: { deadLetterTopic: topicName(`${id}-letters`), maxDeliveryAttempts: 5 },
    pushConfig: { pushEndpoint: receiver.url },
    ...fields
  })
  await publish({ text: 'poison', key: 'key', attributes: { a: '1' } }, { text: 'healthy', key: 'key' })
  return {
    letters,
    pushes: (text: string) => receiver.pushes.filter(({ body }) => decode(body) === text),
    async close() {
      await clients.subscriber.deleteSubscription({ subscription })
      await receiver.close()
    }
  }
}

export async function deadLetters({ clients, note }: World) {
  const { letters, pushes, close } = await poisoned(clients, 'poisoned', {})
  const [letter] = shown(await letters.pull())
  note('the dead letter', { ...letter, attributes: { ...letter?.attributes, ...hiddenTime(letter?.attributes) } })
  note(
    'deliveryAttempt of each before the dead letter',
    pushes('poison').map(({ body }) => body.deliveryAttempt ?? 'none')
  )
  await close()
}

export async function orderedDeadLetters({ clients, note }: World) {
  const { pushes, close } = await poisoned(clients, 'ordered-poisoned', { enableMessageOrdering: true })
  await until('five attempts', () => pushes('poison').length === 5)
  const waitedUntil = Date.now() + 5000
  while (pushes('healthy').length === 0 && Date.now() < waitedUntil) await pause(50)
  note('an ordered key goes on within 5 s of its dead letter', pushes('healthy').length === 1)
  await close()
}

const SOURCE_TIME = 'CloudPubSubDeadLetterSourceTopicPublishTime'

/** Only how the time is written counts. */
function hiddenTime(attributes: Record<string, string> | null | undefined) {
  return { [SOURCE_TIME]: attributes?.[SOURCE_TIME]?.replace(/\d/g, '0').replace(/\.0+/, '.000') }
}
