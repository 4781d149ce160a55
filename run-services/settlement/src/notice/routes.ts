import { Nullable } from '@fusion-prime/operations'
import type { Sql } from '@fusion-prime/postgres'
import type { FastifyPluginAsync } from 'fastify'
import { type Static, Type } from 'typebox'
import type { NoticeKind } from './notice.ts'
import { findAccountNotices, findDecisionNotices, findSanctionsNotices } from './store.ts'

/** Decisions and matches that one answer holds, newest first. */
const LIMIT = 50

const Params = Type.Object({ account: Type.String({ minLength: 1, maxLength: 200 }) })
const Time = Type.String({ description: 'ISO 8601, UTC' })
const Latest = Nullable(Type.Object({ value: Type.String(), occurred_at: Time }))
const Notices = Type.Object({
  account_ref: Type.String(),
  margin_status: Latest,
  risk_level: Latest,
  kyc_status: Latest,
  decisions: Type.Array(
    Type.Object({
      check_id: Type.String(),
      status: Type.String(),
      reasons: Type.Array(Type.String()),
      escrow_address: Nullable(Type.String()),
      occurred_at: Time
    })
  ),
  sanctions_matches: Type.Array(
    Type.Object({
      chain_id: Type.Integer(),
      escrow_address: Nullable(Type.String()),
      address: Type.String(),
      role: Type.String(),
      list: Type.String(),
      list_version: Type.String(),
      occurred_at: Time
    })
  )
})

/** What an operator wants to know before resolving a held command. */
export function noticeRoutes({ sql }: { sql: Sql }): FastifyPluginAsync {
  return async app => {
    app.get<{ Params: Static<typeof Params> }>(
      '/accounts/:account/notices',
      {
        schema: {
          operationId: 'getAccountNotices',
          summary: 'What risk-engine and compliance said last of an account and its escrows',
          tags: ['accounts'],
          params: Params,
          response: { 200: Notices }
        }
      },
      async ({ params: { account } }): Promise<Static<typeof Notices>> => {
        const [accounts, decisions, matches] = await Promise.all([
          findAccountNotices(sql, account),
          findDecisionNotices(sql, { account, limit: LIMIT }),
          findSanctionsNotices(sql, { account, limit: LIMIT })
        ])
        const latest = (kind: NoticeKind) => {
          const found = accounts.find(notice => notice.kind === kind)
          return found ? withTime({ value: found.value, occurred_at: found.occurred_at }) : null
        }
        return {
          account_ref: account,
          margin_status: latest('margin_status'),
          risk_level: latest('risk_level'),
          kyc_status: latest('kyc_status'),
          decisions: decisions.map(withTime),
          sanctions_matches: matches.map(({ chain_id, ...match }) => ({
            ...withTime(match),
            chain_id: Number(chain_id)
          }))
        }
      }
    )
  }
}

const withTime = <Row extends { occurred_at: Date }>(row: Row) => ({
  ...row,
  occurred_at: row.occurred_at.toISOString()
})
