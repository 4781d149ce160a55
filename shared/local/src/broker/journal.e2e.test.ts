import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createBroker } from './broker.ts'
import { createClients, PROJECT, subscriptionName, topicName } from './testing/support.ts'

test('unacked messages outlive kill -9, acked ones don’t come back', async t => {
  const dataDir = mkdtempSync(join(tmpdir(), 'broker-'))
  t.after(() => rmSync(dataDir, { recursive: true }))
  const child = fork(fileURLToPath(new URL('testing/child.ts', import.meta.url)), [dataDir])
  t.after(() => child.kill('SIGKILL'))
  const [host]: unknown[] = await once(child, 'message')
  const clients = await createClients(String(host))
  const subscription = subscriptionName('keeps')
  await clients.publisher.createTopic({ name: topicName('keeps') })
  await clients.subscriber.createSubscription({ name: subscription, topic: topicName('keeps') })
  const texts = Array.from({ length: 50 }, (_, index) => `${index}`)
  await clients.publisher.publish({
    topic: topicName('keeps'),
    messages: texts.map(text => ({ data: Buffer.from(text) }))
  })
  const [{ receivedMessages }] = await clients.subscriber.pull({ subscription, maxMessages: 20 })
  const acked = (receivedMessages ?? []).slice(0, 10)
  await clients.subscriber.acknowledge({ subscription, ackIds: acked.map(({ ackId }) => String(ackId)) })
  await clients.publisher.publish({ topic: topicName('keeps'), messages: [{ data: Buffer.from('last') }] })
  child.kill('SIGKILL')
  await once(child, 'exit')
  await clients.close()

  const broker = await createBroker({ project: PROJECT, mintToken: async () => 'token', dataDir })
  const again = await createClients(broker.host)
  t.after(async () => {
    await again.close()
    await broker.close()
  })
  await again.publisher.createTopic({ name: topicName('keeps') })
  await again.subscriber.createSubscription({ name: subscription, topic: topicName('keeps') })
  await again.publisher.publish({ topic: topicName('keeps'), messages: [{ data: Buffer.from('new') }] })
  const [{ receivedMessages: left }] = await again.subscriber.pull({ subscription, maxMessages: 100 })
  assert.deepEqual(
    left?.map(({ message }) => String(message?.data)),
    [...texts.slice(10), 'last', 'new']
  )
  const ids = [...acked, ...(left ?? [])].map(({ message }) => message?.messageId)
  assert.equal(new Set(ids).size, 52)
})
