import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import {
  catalog,
  decodeMessage,
  type EventOf,
  encodeMessage,
  marginAlerts,
  marketPrices,
  type OutgoingMessage,
  PriceUpdated,
  priceId,
  type SubscriptionDefinition,
  settlementCommands,
  settlementEvents,
  subscriptions,
  type TopicDefinition
} from '@fusion-prime/events'
import { createTestBroker, type Pulled } from '@fusion-prime/local/testing/broker.ts'
import { PUSH_PREFIX, testAddress } from '@fusion-prime/local/testing/facts.ts'
import { until } from '@fusion-prime/local/testing/wait.ts'
import type { Static } from 'typebox'
import type { MarginHealth } from '../run-services/risk-engine/src/margin/view.ts'
import type { CommandView } from '../run-services/settlement/src/command/view.ts'
import { createServices, type Name } from './decisions-services.ts'

export type Command = Static<typeof CommandView>
export type Margin = Static<typeof MarginHealth>
export type Payment = ReturnType<typeof paymentOf>

/** Nobody was ever met under this address. */
export const someone = (): string => testAddress(randomUUID())

/** A command to open an escrow with 1.5 ETH. */
export const paymentOf = ({ payer, payee }: { payer: string; payee: string }) => ({
  command_id: randomUUID(),
  command_type: 'open',
  workflow_id: `payment-${randomUUID()}`,
  account_ref: payer,
  asset_symbol: 'ETH',
  amount: '1500000000000000000',
  payer,
  payee
})

let lastSequence = 0

/** A price in USD as the oracle publishes it, observed so many seconds ago; newer than all that were made before it. */
export function priceOf(asset_symbol: string, price_usd: string, { age = 0 } = {}): OutgoingMessage {
  lastSequence += 1
  const observed = Date.now() - age * 1_000
  const identity = { asset_symbol, sequence: lastSequence }
  const times = {
    observed_at: new Date(observed).toISOString(),
    valid_until: new Date(observed + 90_000).toISOString()
  }
  const body = { ...PriceUpdated.example, ...identity, event_id: priceId(identity), price_usd, ...times }
  const traceparent = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`
  return encodeMessage(marketPrices, body, { correlation_id: `price ${lastSequence}`, traceparent })
}

/** The services between the parts of Google Cloud that they need, and what a test does with them. */
export type World = Awaited<ReturnType<typeof createWorld>>

export async function createWorld() {
  const { topics, subscriptions: given } = catalog()
  const pull = given.find(({ kind }) => kind === 'pull')
  assert.ok(pull)
  const kept = [settlementCommands, settlementEvents, marginAlerts].map(({ name: topic }) => {
    return { ...pull, name: `${topic}-test`, topic }
  })
  const broker = await createTestBroker({ topics, subscriptions: [...given, ...kept] })
  const services = await createServices()
  const { issuer, live, send, ask } = services

  /** Pushes as Pub/Sub does. */
  async function push({ name, topic, service }: SubscriptionDefinition, message: Omit<Pulled, 'topic'>): Promise<void> {
    const { attributes, ordering_key: orderingKey } = message
    const data = Buffer.from(message.data).toString('base64')
    const envelope = { data, attributes, messageId: randomUUID(), orderingKey }
    const target = service as Name // who subscribes is one of the three
    const { status, text } = await send(target, `/pubsub/${topic.name}`, {
      body: { message: envelope, subscription: `${PUSH_PREFIX}${name}` },
      token: await issuer.mint(live(target).claims)
    })
    assert.equal(status, 204, text)
  }

  const pulled = new Map<string, Pulled[]>()
  /** All messages that a service has published on a topic so far. */
  async function messages(from: Name, { name }: TopicDefinition): Promise<Pulled[]> {
    await until('an empty outbox', async () => (await ask<{ depth: number }>(from, '/outbox/sweep', {})).depth === 0)
    const known = [...(pulled.get(name) ?? []), ...(await broker.pull(`${name}-test`))]
    pulled.set(name, known)
    return known
  }

  /** Their bodies, checked against the catalogue. */
  async function published<Topic extends TopicDefinition>(from: Name, topic: Topic): Promise<EventOf<Topic>[]> {
    return (await messages(from, topic)).map(message => {
      const decoded = decodeMessage(topic, message)
      if ('fault' in decoded) return assert.fail(`${decoded.fault}: ${decoded.detail}`)
      return decoded.received.body
    })
  }

  const find = (command_id: string) => ask<Command>('settlement', `/commands/${command_id}/status`)

  /** Gives a command to settlement, and pushes settlement's own message of it back; answers what became of it. */
  async function pay(payment: Payment): Promise<Command> {
    await ask('settlement', '/commands/ingest', payment)
    const about = (await messages('settlement', settlementCommands)).filter(
      ({ attributes }) => attributes.event_id === payment.command_id
    )
    assert.equal(about.length, 1)
    for (const message of about) await push(subscriptions['settlement-commands-settlement'], message)
    return find(payment.command_id)
  }

  /** Takes users through KYC. */
  async function verify(...users: string[]): Promise<void> {
    for (const user_id of users) {
      const person = { user_id, full_name: 'Ada Lovelace', country: 'CH' }
      const { case_id } = await ask<{ case_id: string }>('compliance', '/kyc/cases', person)
      for (const to of ['pending', 'verified'])
        await ask('compliance', `/kyc/cases/${case_id}/transitions`, { to, reason: 'papers seen' })
    }
  }

  return {
    ...services,
    push,
    messages,
    find,
    pay,
    /** Margin alerts about a user so far. */
    async alertsOf(user_id: string): Promise<string[]> {
      const alerts = await published('risk-engine', marginAlerts)
      return alerts.filter(alert => alert.user_id === user_id).map(alert => alert.event_type)
    },
    /** What settlement has announced of a command so far: outcome and reason. */
    async outcomesOf(command_id: string): Promise<[string, string | null][]> {
      const events = await published('settlement', settlementEvents)
      return events.flatMap((event): [string, string | null][] =>
        'command_id' in event && event.command_id === command_id ? [[event.event_type, event.reason]] : []
      )
    },
    /** Newer prices, to those who value assets and run. */
    async price(prices: Record<string, string>): Promise<void> {
      for (const [asset, usd] of Object.entries(prices)) {
        const message = priceOf(asset, usd)
        for (const name of ['risk-engine', 'compliance'] as const)
          if (services.runs(name)) await push(subscriptions[`${name}-prices-consumer`], message)
      }
    },
    /** The health of a user's margin, which is watched from now on. */
    evaluate: (user_id: string, { collateral, borrow }: Record<'collateral' | 'borrow', Record<string, string>>) =>
      ask<Margin>('risk-engine', '/api/v1/margin/health', {
        user_id,
        collateral_positions: collateral,
        borrow_positions: borrow
      }),
    verify,
    /** Two users who passed KYC. */
    async verifiedPair(): Promise<{ payer: string; payee: string }> {
      const pair = { payer: someone(), payee: someone() }
      await verify(pair.payer, pair.payee)
      return pair
    },
    async close(): Promise<void> {
      await services.close()
      await broker.close()
    }
  }
}
