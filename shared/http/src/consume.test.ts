import assert from 'node:assert/strict'
import { test } from 'node:test'
import { subscriptions } from '@fusion-prime/events'
import { createSql } from '@fusion-prime/postgres'
import type { PubSubMessage } from '@fusion-prime/pubsub'
import { createLog } from '@fusion-prime/runtime'
import { consume } from './consume.ts'
import { createApp } from './create-app.ts'
import { createMetrics } from './metrics.ts'
import { createOutboxSweeper } from './outbox-sweeper.ts'

const { name } = subscriptions['settlement-commands-settlement']
const push = consume(subscriptions['settlement-commands-settlement'], {
  logAs: 'command_seen',
  logFields: () => ({}),
  handle: async () => []
})

/** A service with this one endpoint, and the dead letters that it published. Its database is away. */
function createShop() {
  const letters: PubSubMessage[] = []
  const log = createLog('shop', { write: () => {} })
  const publish = async (messages: readonly PubSubMessage[]) => {
    letters.push(...messages)
    return messages.map(() => undefined)
  }
  const sql = createSql({ url: 'postgres://nobody@127.0.0.1:1/none', max: 1, applicationName: 'test' })
  const deps = { log, sql, metrics: createMetrics(), publish, sweeper: createOutboxSweeper({ sql, publish, log }) }
  const app = createApp({ ...deps, name: 'shop', description: 'Sells things', serviceAuth: undefined })
  const pushAuth = async () => undefined
  app.register(push({ ...deps, pushAuth, subscriptionPrefix: 'projects/p/subscriptions/', now: () => new Date(0) }))
  const post = (payload: string) =>
    app.inject({
      method: 'POST',
      url: '/pubsub/settlement-commands',
      headers: { 'content-type': 'application/json' },
      payload
    })
  return { letters, post }
}

const envelope = (message: string) =>
  `{"subscription":"projects/p/subscriptions/${name}","message":{"messageId":"1",${message}}}`

test('an attribute of any name is the message’s affair, not its envelope’s', async () => {
  const { letters, post } = createShop()
  const attributes = '"attributes":{"__proto__":"x","constructor":"y","tenant":"z"}'
  assert.equal((await post(envelope(`"data":"e30=",${attributes}`))).statusCode, 204)
  assert.deepEqual(Object.entries(letters[0]?.attributes ?? {}).slice(0, 3), [
    ['__proto__', 'x'],
    ['constructor', 'y'],
    ['tenant', 'z']
  ])
})

test('a name of Object’s own in the envelope gives nothing to it', async () => {
  const { letters, post } = createShop()
  const inherited = '{"__proto__":{"subscription":"projects/p/subscriptions/x","message":{"messageId":"1"}}}'
  for (const body of [inherited, '{', '', '[]', 'null']) assert.equal((await post(body)).statusCode, 400, body)
  assert.deepEqual(letters, [])
})
