import { loadHistories, type StandingFact, timelineOf } from '@fusion-prime/escrow'
import { HttpProblem, parseAddress } from '@fusion-prime/http'
import { Nullable } from '@fusion-prime/operations'
import type { Sql } from '@fusion-prime/postgres'
import type { FastifyPluginAsync } from 'fastify'
import { type Static, Type } from 'typebox'
import { LedgerTransfer } from '../ledger/routes.ts'
import { loadTransfers } from '../ledger/store.ts'
import { findEscrows, listEscrows } from './store.ts'

const Status = Type.Union(
  (['funded', 'partially_approved', 'approved', 'released', 'refunded', 'reverted', 'incomplete'] as const).map(
    status => Type.Literal(status)
  )
)
const ChainId = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })

const escrowFields = {
  chain_id: Type.Integer(),
  escrow_address: Type.String(),
  factory_address: Nullable(Type.String()),
  payer: Nullable(Type.String()),
  payee: Nullable(Type.String()),
  arbiter: Nullable(Type.String()),
  amount: Nullable(Type.String({ description: 'base units' })),
  asset_symbol: Nullable(Type.String()),
  approvals_required: Nullable(Type.Integer()),
  approvals: Type.Array(Type.String()),
  status: Type.String(),
  finality: Type.String({ description: 'lowest level of the facts that made the state' }),
  anomalies: Type.Array(Type.String()),
  updated_at: Type.String()
}
const TimelineEntry = Type.Object({
  fact_id: Type.String(),
  event_type: Type.String(),
  block_number: Type.Integer(),
  transaction_hash: Type.String(),
  log_index: Type.Integer(),
  finality: Type.String(),
  reverted: Type.Boolean()
})
const EscrowView = Type.Object({
  ...escrowFields,
  timeline: Type.Array(TimelineEntry),
  ledger: Type.Array(LedgerTransfer)
})
const EscrowPage = Type.Object({ items: Type.Array(Type.Object(escrowFields)), next_cursor: Nullable(Type.String()) })

const OneQuery = Type.Object({ chain_id: Type.Optional(ChainId) })
const ListQuery = Type.Object({
  status: Type.Optional(Status),
  payer: Type.Optional(Type.String()),
  payee: Type.Optional(Type.String()),
  chain_id: Type.Optional(ChainId),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
  cursor: Type.Optional(Type.String())
})
const AddressParams = Type.Object({ address: Type.String() })

/** What settlement knows of escrows. */
export function escrowRoutes({ sql }: { sql: Sql }): FastifyPluginAsync {
  return async app => {
    const tags = ['escrows']

    app.get<{ Params: Static<typeof AddressParams>; Querystring: Static<typeof OneQuery> }>(
      '/escrows/:address',
      {
        schema: {
          operationId: 'getEscrow',
          summary: 'State, timeline and ledger of an escrow',
          tags,
          params: AddressParams,
          querystring: OneQuery,
          response: { 200: EscrowView }
        }
      },
      async request => {
        const address = parseAddress(request.params.address)
        const [escrow, another] = await findEscrows(sql, { address, chainId: request.query.chain_id })
        if (!escrow) throw new HttpProblem(404, `no escrow is known at ${address}`)
        if (another) throw new HttpProblem(409, `${address} is an escrow on several chains: say which with chain_id`)
        const [[history = []], [ledger = []]] = await Promise.all([
          loadHistories(sql, [escrow]),
          loadTransfers(sql, [escrow])
        ])
        return { ...escrow, timeline: timelineOf(history).map(presentFact), ledger }
      }
    )

    app.get<{ Querystring: Static<typeof ListQuery> }>(
      '/escrows',
      {
        schema: {
          operationId: 'listEscrows',
          summary: 'Escrows, a page at a time',
          tags,
          querystring: ListQuery,
          response: { 200: EscrowPage }
        }
      },
      async request => {
        const { status, payer, payee, chain_id, limit = 50, cursor } = request.query
        const items = await listEscrows(sql, {
          status,
          payer: payer === undefined ? undefined : parseAddress(payer),
          payee: payee === undefined ? undefined : parseAddress(payee),
          chainId: chain_id,
          after: cursor === undefined ? undefined : parseCursor(cursor),
          limit: limit + 1
        })
        const page = items.slice(0, limit)
        const last = page.at(-1)
        return { items: page, next_cursor: items.length > limit && last ? formatCursor(last) : null }
      }
    )
  }
}

function presentFact({ body, finality, reverted }: StandingFact): Static<typeof TimelineEntry> {
  const { fact_id, event_type, block_number, transaction_hash, log_index } = body
  return { fact_id, event_type, block_number, transaction_hash, log_index, finality, reverted }
}

type Cursor = { chain_id: number; escrow_address: string }

const formatCursor = ({ chain_id, escrow_address }: Cursor): string =>
  Buffer.from(`${chain_id}:${escrow_address}`).toString('base64url')

function parseCursor(cursor: string): Cursor {
  const [, chain, escrow_address] =
    /^([0-9]{1,16}):(0x[0-9a-f]{40})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (!chain || !escrow_address) throw new HttpProblem(400, 'cursor is not one that this service gave')
  return { chain_id: Number(chain), escrow_address }
}
