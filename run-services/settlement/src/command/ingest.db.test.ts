import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { uuid8 } from '@fusion-prime/events'
import { createCommand, createTestSettlement, pushOfCommand, type TestSettlement } from './command-fixture.ts'

let settlement: TestSettlement
before(async () => {
  settlement = await createTestSettlement()
})
after(() => settlement?.close())

const ingest = async (payload: object | string, headers: Record<string, string> = {}) => {
  const answer = await settlement.app.inject({ method: 'POST', url: '/commands/ingest', payload, headers })
  return { status: answer.statusCode, body: answer.json() }
}
const messagesOf = (command_id: string) => settlement.sentAbout(command_id, 'settlement-commands')

test('a command is kept, and goes to the topic with the request’s correlation id and trace', async () => {
  const command = createCommand()
  const traceparent = `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`
  const { status, body } = await ingest(command, { 'x-correlation-id': 'order-17', traceparent })
  assert.deepEqual([status, body], [202, { command_id: command.command_id, status: 'received' }])
  const sent = settlement.sent.find(message => message.attributes.event_id === command.command_id)
  assert.deepEqual(JSON.parse(String(sent?.data)), {
    ...command,
    event_id: command.command_id,
    event_type: 'command_open'
  })
  const { attributes, topic, ordering_key } = sent ?? assert.fail('nothing was sent')
  assert.deepEqual([topic, ordering_key], ['settlement-commands', command.workflow_id])
  assert.deepEqual(
    [attributes.event_type, attributes.correlation_id, attributes.traceparent],
    ['command_open', 'order-17', traceparent]
  )
})

test('fifty at once of one id are one command and one message, all with the same answer', async () => {
  const command = createCommand()
  const answers = await Promise.all(Array.from({ length: 50 }, () => ingest(command)))
  const accepted = { status: 202, body: { command_id: command.command_id, status: 'received' } }
  for (const answer of answers) assert.deepEqual(answer, accepted)
  const rows = await settlement.sql`select from settlement_commands where command_id = ${command.command_id}`
  assert.deepEqual([rows.length, messagesOf(command.command_id).length], [1, 1])
})

test('of two bodies that race for one id one is taken, the other one refused', async () => {
  const command_id = randomUUID()
  const answers = await Promise.all(['1', '2'].map(amount => ingest(createCommand({ command_id, amount }))))
  assert.deepEqual(answers.map(({ status }) => status).sort(), [202, 409])
  assert.equal(messagesOf(command_id).length, 1)
})

test('the same command written otherwise is the same; another one is refused, also after it was processed', async () => {
  const command = createCommand({ escrow_address: null, chain_id: null })
  const { escrow_address, chain_id, source_event_id, schema_version, ...short } = command
  const payer = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266' // with its checksum
  const same = [short, { ...command, payer }, { ...short, payer: payer.toUpperCase().replace('0X', '0x'), memo: 'x' }]
  for (const body of [command, ...same]) assert.equal((await ingest(body)).status, 202)
  assert.equal((await ingest({ ...command, command_id: command.command_id.toUpperCase() })).status, 202)
  assert.equal(messagesOf(command.command_id).length, 1)
  await settlement.app.inject(pushOfCommand(command))
  assert.deepEqual(await ingest(command), {
    status: 202,
    body: { command_id: command.command_id, status: 'received' }
  })
  for (const change of [{ amount: '1' }, { account_ref: 'other' }, { command_type: 'refund' }, { chain_id: 1 }])
    assert.equal((await ingest({ ...command, ...change })).status, 409, JSON.stringify(change))
})

test('fields that nobody knows are left out of the message, however large; the trace goes on only if it is one', async () => {
  const command = createCommand()
  const { status } = await ingest({ ...command, memo: 'x'.repeat(100_000), event_id: 'y' }, { traceparent: 'nonsense' })
  const sent = settlement.sent.find(message => message.attributes.event_id === command.command_id)
  assert.deepEqual([status, 'memo' in JSON.parse(String(sent?.data))], [202, false])
  assert.match(sent?.attributes.traceparent ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
})

test('a command that came by the topic with another body is refused', async () => {
  const command = createCommand()
  await settlement.app.inject(pushOfCommand({ ...command, source_event_id: uuid8('some fact') }))
  assert.equal((await ingest(command)).status, 409)
})

test('what is no command is refused, and leaves nothing', async () => {
  const command = createCommand()
  const { command_id, workflow_id, amount, ...rest } = command
  const refused: [what: string, body: object | string][] = [
    ['no body', ''],
    ['no JSON', '{"command_id":'],
    ['a list', [command]],
    ['no command_id', { workflow_id, amount, ...rest }],
    ['no amount', { command_id, workflow_id, ...rest }],
    ['an id that is no UUID', { ...command, command_id: 'payout-1' }],
    ['an id of version 8', { ...command, command_id: uuid8('x') }],
    ['the id that is all zeros', { ...command, command_id: '00000000-0000-0000-0000-000000000000' }],
    ['a source event', { ...command, source_event_id: uuid8('x') }],
    ['a source event that is empty', { ...command, source_event_id: '' }],
    ['an escrow that is empty', { ...command, escrow_address: '' }],
    ['an unknown type', { ...command, command_type: 'pay' }],
    ['an amount that is a number', { ...command, amount: 1_000 }],
    ['an amount in whole units', { ...command, amount: '1.5' }],
    ['an amount with a sign', { ...command, amount: '-1' }],
    ['an amount with an exponent', { ...command, amount: '1e18' }],
    ['an amount with a leading zero', { ...command, amount: '01' }],
    ['an amount beyond 2^256 - 1', { ...command, amount: String(2n ** 256n) }],
    ['a chain that is a text', { ...command, chain_id: '31337' }],
    ['a chain that JSON can’t carry', { ...command, chain_id: 2 ** 53 }],
    ['a payer that is no address', { ...command, payer: '0x12' }],
    ['a wrong checksum', { ...command, payee: '0xF39fd6e51aad88F6F4ce6aB8827279cffFb92266' }],
    ['no payee', { ...command, payee: null }],
    ['an account with a space', { ...command, account_ref: 'user 7' }],
    ['a NUL character', { ...command, workflow_id: 'a\u0000b' }],
    ['a lone surrogate', { ...command, account_ref: 'a\ud800' }],
    ['a NUL character in a field that nobody knows', { ...command, memo: 'a\u0000b' }],
    ['an account that is too long', { ...command, account_ref: 'x'.repeat(201) }],
    ['another version', { ...command, schema_version: 2 }]
  ]
  const before = settlement.sent.length
  for (const [what, body] of refused) {
    const { status } = await ingest(body, { 'content-type': 'application/json' })
    assert.equal(status, 400, what)
  }
  const rows = await settlement.sql`select from settlement_commands where command_id = ${command_id}`
  assert.deepEqual([rows.length, settlement.sent.length], [0, before])
})
