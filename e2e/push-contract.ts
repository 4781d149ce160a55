import {
  type EscrowFact,
  EscrowFundedOutcome,
  encodeMessage,
  escrowEvents,
  escrowWorkflow,
  settlementEvents
} from '@fusion-prime/events'
import { createFact, testAddress } from '@fusion-prime/local/testing/facts.ts'
import type { Issuer, MintRequest } from '../shared/local/src/issuer.ts'

/** A message as a push carries it: data in base64. */
export type Message = { data: string; attributes: Readonly<Record<string, string>>; ordering_key: string }

const traceparent = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`
const base64 = (text: string | Uint8Array): string => Buffer.from(text).toString('base64')

export function messageOf(fact: EscrowFact): Message {
  const context = { correlation_id: escrowWorkflow(fact), traceparent, free: { first: 'true' } }
  const { data, attributes, ordering_key } = encodeMessage(escrowEvents, fact, context)
  return { data: base64(data), attributes, ordering_key }
}

type Claims = { audience: string; email: string }
type WrongToken = { what: string; header: () => Promise<string | undefined>; status: 401 | 403 }

/** What is refused before anything else is looked at. */
export function wrongTokens(issuer: Issuer, claims: Claims): WrongToken[] {
  const mint = (changes: Partial<MintRequest>) => async () => `Bearer ${await issuer.mint({ ...claims, ...changes })}`
  const claim = (name: string, value?: unknown) => mint({ overrides: { claims: { [name]: value } } })
  const signature = (seal: string) => async () => (await mint({})()).replace(/[^.]*$/, seal)
  const missing = ['iss', 'aud', 'email', 'email_verified', 'exp']
  return [
    { what: 'no header', header: async () => undefined, status: 401 },
    { what: 'another scheme', header: async () => 'Basic dXNlcjpwYXNzd29yZA==', status: 401 },
    { what: 'garbage', header: async () => 'Bearer garbage.of.three-parts', status: 401 },
    { what: 'expired', header: mint({ overrides: { lifetimeSeconds: -10 } }), status: 401 },
    { what: 'unsigned', header: mint({ overrides: { alg: 'none' } }), status: 401 },
    { what: 'signed with the public key', header: mint({ overrides: { alg: 'HS256' } }), status: 401 },
    { what: 'a stripped signature', header: signature('SIGNATURE_REMOVED_BY_GOOGLE'), status: 401 },
    { what: 'a forged signature', header: signature('A'.repeat(342)), status: 401 },
    { what: 'an unknown key', header: mint({ overrides: { header: { kid: 'nobody-knows-this-key' } } }), status: 401 },
    { what: 'another issuer', header: claim('iss', 'https://accounts.example.com'), status: 401 },
    ...missing.map(name => ({ what: `no ${name}`, header: claim(name), status: 401 as const })),
    { what: 'another audience', header: mint({ audience: 'https://other.example' }), status: 403 },
    { what: 'another account', header: mint({ email: 'other-push@test.iam.gserviceaccount.com' }), status: 403 },
    { what: 'an unverified email', header: claim('email_verified', false), status: 403 }
  ]
}

type BrokenEnvelope = { what: string; body: string; type: string; status: 400 | 403 | 413 | 415 }

/** What isn't a push at all, or not one for this service. */
export function brokenEnvelopes(service: string): BrokenEnvelope[] {
  const subscription = `projects/test/subscriptions/escrow-events-${service}`
  const { data, attributes } = messageOf(createFact('EscrowDeployed'))
  const message = { data, attributes, messageId: '1' }
  const json = (what: string, body: unknown, status: BrokenEnvelope['status'] = 400) => {
    return { what, body: JSON.stringify(body), type: 'application/json', status }
  }
  const whole = JSON.stringify({ message, subscription })
  const other = service === 'settlement' ? 'compliance' : 'settlement'
  return [
    { what: 'no JSON', body: '{"message":', type: 'application/json', status: 400 },
    { what: 'nothing', body: '', type: 'application/json', status: 400 },
    json('a list', []),
    json('null', null),
    json('no message', { subscription }),
    json('a null message', { message: null, subscription }),
    json('no subscription', { message }),
    json('no message id', { message: { data, attributes }, subscription }),
    json('a number as data', { message: { ...message, data: 5 }, subscription }),
    json('a list as attributes', { message: { ...message, attributes: ['a'] }, subscription }),
    json('a number as attribute', {
      message: { ...message, attributes: { ...attributes, chain_id: 1 } },
      subscription
    }),
    json('another subscription', { message, subscription: `projects/test/subscriptions/escrow-events-${other}` }, 403),
    json('another project', { message, subscription: subscription.replace('test', 'other') }, 403),
    json('a subscription’s name alone', { message, subscription: `escrow-events-${service}` }, 403),
    json('more than 256 KiB', { message: { ...message, data: 'x'.repeat(262_144) }, subscription }, 413),
    { what: 'a text', body: whole, type: 'text/plain', status: 415 },
    { what: 'a form', body: 'a=b', type: 'application/x-www-form-urlencoded', status: 415 },
    { what: 'a structured CloudEvent', body: whole, type: 'application/cloudevents+json', status: 415 }
  ]
}

type BrokenMessage = {
  what: string
  message: Message
  reason: string
  /** The attributes that the dead letter keeps, if not all. */
  kept?: Record<string, string>
}

/** What can never be handled, however often it comes. */
export function brokenMessages(): BrokenMessage[] {
  const fact = createFact('EscrowDeployed', { escrow_address: testAddress('broken') })
  const message = messageOf(fact)
  const withBody = (fields: Record<string, unknown>, attributes: Record<string, string> = {}): Message => ({
    ...message,
    data: base64(JSON.stringify({ ...fact, ...fields })),
    attributes: { ...message.attributes, ...attributes }
  })
  const withAttributes = (attributes: Record<string, string>): Message => ({
    ...message,
    attributes: { ...message.attributes, ...attributes }
  })
  const outcome = encodeMessage(settlementEvents, EscrowFundedOutcome.example, { correlation_id: 'c', traceparent })
  const deep = JSON.parse(`${'['.repeat(32)}${']'.repeat(32)}`)
  const many = Object.fromEntries(Array.from({ length: 85 }, (_, index) => [`a${index}`, 'x']))
  const otherId = '00000000-0000-8000-8000-000000000000'
  const invalid: [string, Message][] = [
    ['an amount that is a number', withBody({ amount: 1500 })],
    ['an amount with a point', withBody({ amount: '1.5' })],
    ['an amount with a leading zero', withBody({ amount: '01' })],
    ['an amount beyond 2^256 - 1', withBody({ amount: String(2n ** 256n) })],
    ['an address in upper case', withBody({ payer: fact.payer.toUpperCase() })],
    ['a NUL character', withBody({ memo: 'a\u0000b' })],
    ['a lone surrogate', withBody({ memo: 'a\ud800' })],
    ['a body too deep', withBody({ memo: deep })],
    ['a field missing', withBody({ payee: undefined })],
    ['a body that is a list', { ...message, data: base64('[]') }],
    ['another chain in the attribute', withAttributes({ chain_id: '1' })],
    ['a "first" that is neither', withAttributes({ first: 'maybe' })],
    ...Object.keys(message.attributes).map((name): [string, Message] => {
      const { [name]: _, ...attributes } = message.attributes
      return [`no attribute ${name}`, { ...message, attributes }]
    })
  ]
  const surrogate = withAttributes({ correlation_id: 'c\ud800' })
  return [
    { what: 'data that isn’t base64', message: { ...message, data: '{"plain":"text"}' }, reason: 'not_base64' },
    { what: 'data that isn’t JSON', message: { ...message, data: base64('escrow') }, reason: 'not_json' },
    {
      what: 'data that isn’t text',
      message: { ...message, data: base64(Uint8Array.of(0xff, 0xfe)) },
      reason: 'not_json'
    },
    { what: 'no data', message: { ...message, data: '' }, reason: 'not_json' },
    {
      what: 'neither data nor attributes',
      message: { data: '', attributes: {}, ordering_key: '' },
      reason: 'not_json'
    },
    { what: 'much data', message: { ...message, data: base64('x'.repeat(150_000)) }, reason: 'not_json' },
    {
      what: 'an unknown type',
      message: withBody({ event_type: 'EscrowPaused' }, { event_type: 'EscrowPaused' }),
      reason: 'unknown_type'
    },
    { what: 'version 2', message: withBody({ schema_version: 2 }, { schema_version: '2' }), reason: 'unknown_version' },
    { what: 'another topic’s event', message: { ...outcome, data: base64(outcome.data) }, reason: 'wrong_topic' },
    { what: 'an id that its parts don’t give', message: withBody({ log_index: 7 }), reason: 'id_mismatch' },
    {
      what: 'another event_id in the attribute',
      message: withAttributes({ event_id: otherId }),
      reason: 'id_mismatch'
    },
    ...invalid.map(([what, broken]) => ({ what, message: broken, reason: 'invalid' })),
    {
      what: 'more than 90 attributes',
      message: withBody({ amount: 1 }, many),
      reason: 'invalid',
      kept: { ...message.attributes }
    },
    {
      what: 'a lone surrogate in an attribute',
      message: surrogate,
      reason: 'invalid',
      kept: { ...surrogate.attributes, correlation_id: 'c\ufffd' }
    }
  ]
}
