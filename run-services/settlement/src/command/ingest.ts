import {
  AssetSymbol,
  BaseUnits,
  decodeMessage,
  encodeMessage,
  Reference,
  SafeInteger,
  settlementCommands
} from '@fusion-prime/events'
import { HttpProblem, type OutboxSweeper, parseAddress } from '@fusion-prime/http'
import { Nullable } from '@fusion-prime/operations'
import { appendOutbox, type OutboxMessage, type Sql, transaction } from '@fusion-prime/postgres'
import { newTraceparent } from '@fusion-prime/runtime'
import type { FastifyPluginAsync } from 'fastify'
import { type Static, Type } from 'typebox'
import { insertCommands, loadDigests, type NewCommand, newCommand } from './store.ts'

const Address = Type.String({ description: 'an address; in mixed case it carries its checksum' })
const Body = Type.Object({
  command_id: Type.String({ description: 'a UUID that the client chose; of any version but 8' }),
  command_type: Type.Enum(['open', 'release', 'refund']),
  workflow_id: Reference,
  account_ref: Reference,
  asset_symbol: AssetSymbol,
  amount: BaseUnits,
  payer: Address,
  payee: Address,
  escrow_address: Type.Optional(Nullable(Address)),
  chain_id: Type.Optional(Nullable(SafeInteger)),
  source_event_id: Type.Optional(Nullable(Type.String({ description: 'null: only derived commands have one' }))),
  schema_version: Type.Optional(Type.Literal(1))
})
const Accepted = Type.Object({ command_id: Type.String(), status: Type.Literal('received') })

/** Takes commands of clients; they are processed like those of the relayer, from the topic. */
export function ingestRoute({ sql, sweeper }: { sql: Sql; sweeper: OutboxSweeper }): FastifyPluginAsync {
  return async app => {
    app.post<{ Body: Static<typeof Body> }>(
      '/commands/ingest',
      {
        schema: {
          operationId: 'ingestCommand',
          summary: 'Give a command; the same one again gets the same answer',
          tags: ['commands'],
          body: Body,
          response: { 202: Accepted }
        }
      },
      async ({ body, correlationId: correlation_id, headers }, reply) => {
        const { command, message } = commandOf(body, { correlation_id, traceparent: traceOf(headers.traceparent) })
        await transaction(sql, tx => accept(tx, { command, message }))
        await sweeper.flush()
        return reply.status(202).send({ command_id: command.command_id, status: 'received' })
      }
    )
  }
}

type Incoming = { command: NewCommand; message: OutboxMessage }

async function accept(sql: Sql, { command, message }: Incoming): Promise<void> {
  const { command_id, digest } = command
  const added = await insertCommands(sql, [command])
  if (added.has(command_id)) return appendOutbox(sql, [message])
  const known = await loadDigests(sql, [command_id])
  if (known.get(command_id) !== digest)
    throw new HttpProblem(409, `command ${command_id} came before with another body: give a new one a new id`)
}

/** The command in its canonical form, and its message; an HttpProblem says what is wrong with the body. */
function commandOf(body: Static<typeof Body>, context: { correlation_id: string; traceparent: string }): Incoming {
  const { command_type, workflow_id, account_ref, asset_symbol, amount } = body
  const { escrow_address = null, source_event_id = null } = body
  const command_id = body.command_id.toLowerCase()
  if (/^.{14}8/.test(command_id))
    throw new HttpProblem(
      400,
      'command_id is of version 8, as ids of derived commands are: choose one of version 4 or 7'
    )
  if (source_event_id !== null) throw new HttpProblem(400, 'source_event_id is for derived commands: leave it out')
  const given = {
    command_id,
    command_type,
    workflow_id,
    account_ref,
    asset_symbol,
    amount,
    payer: parseAddress(body.payer),
    payee: parseAddress(body.payee),
    escrow_address: escrow_address === null ? null : parseAddress(escrow_address),
    chain_id: body.chain_id ?? null,
    source_event_id: null,
    schema_version: 1
  }
  const attributes = {
    event_id: command_id,
    event_type: `command_${command_type}`,
    schema_version: '1',
    ...context
  }
  const checked = decodeMessage(settlementCommands, { data: JSON.stringify(given), attributes })
  if ('fault' in checked) throw new HttpProblem(400, `the body is no command: ${checked.detail}`)
  const { received } = checked
  return {
    command: newCommand({ ...received, traceparent: context.traceparent }),
    message: encodeMessage(settlementCommands, received.body, context)
  }
}

/** A trace goes on if the client has one. */
function traceOf(header: string | string[] | undefined): string {
  const own = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/
  return typeof header === 'string' && own.test(header) ? header : newTraceparent()
}
