import { HttpProblem, parseAddress } from '@fusion-prime/http'
import type { Sql } from '@fusion-prime/postgres'
import type { FastifyPluginAsync } from 'fastify'
import { type Static, Type } from 'typebox'
import { accountName } from './ledger.ts'
import { findBalances, sumByAsset } from './store.ts'

const BaseUnits = Type.String({ description: 'base units' })
const SignedUnits = Type.String({ description: 'credits less debits in base units, with a minus sign below 0' })

/** A transfer as clients see it. */
export const LedgerTransfer = Type.Object({
  transfer_id: Type.String(),
  fact_id: Type.String(),
  kind: Type.String({ description: 'pending, post, void or counter' }),
  debit_account: Type.String(),
  credit_account: Type.String(),
  asset_symbol: Type.String(),
  amount: BaseUnits,
  reverses: Type.Union([Type.String(), Type.Null()], { description: 'the transfer that a counter takes back' }),
  created_at: Type.String()
})

const Balances = Type.Object({
  balances: Type.Array(Type.Object({ asset_symbol: Type.String(), debits: BaseUnits, credits: BaseUnits }))
})
const Balance = Type.Object({
  account: Type.String(),
  asset_symbol: Type.Union([Type.String(), Type.Null()], { description: 'null where nothing was ever moved' }),
  posted: SignedUnits,
  pending: SignedUnits,
  available: SignedUnits
})
const AccountParams = Type.Object({
  account: Type.String({ description: 'payer|escrow|payee:<chain_id>:<address>' })
})
const AccountQuery = Type.Object({ asset_symbol: Type.Optional(Type.String({ minLength: 1, maxLength: 32 })) })

/** What the ledger holds. */
export function ledgerRoutes({ sql }: { sql: Sql }): FastifyPluginAsync {
  return async app => {
    const tags = ['ledger']

    app.get(
      '/ledger/balances',
      {
        schema: {
          operationId: 'getLedgerBalances',
          summary: 'All that standing transfers debit and credit, by asset',
          tags,
          response: { 200: Balances }
        }
      },
      async () => ({ balances: await sumByAsset(sql) })
    )

    app.get<{ Params: Static<typeof AccountParams>; Querystring: Static<typeof AccountQuery> }>(
      '/accounts/:account/balance',
      {
        schema: {
          operationId: 'getAccountBalance',
          summary: 'Balance of an account, 0 where nothing was ever moved',
          tags,
          params: AccountParams,
          querystring: AccountQuery,
          response: { 200: Balance }
        }
      },
      async request => {
        const account = parseAccount(request.params.account)
        const { asset_symbol } = request.query
        const found = await findBalances(sql, account)
        const [balance, another] = found.filter(one => asset_symbol === undefined || one.asset_symbol === asset_symbol)
        if (another) {
          const assets = found.map(one => one.asset_symbol).join(', ')
          throw new HttpProblem(409, `${account} holds several assets: say which with asset_symbol (${assets})`)
        }
        return { account, ...present(balance ?? { asset_symbol: asset_symbol ?? null, total: '0', pending: '0' }) }
      }
    )
  }
}

/** An account as a client names it, the address in lower case. */
function parseAccount(text: string): string {
  const [, role, chain, address = ''] = /^(payer|escrow|payee):(0|[1-9][0-9]{0,15}):(.+)$/s.exec(text) ?? []
  if (!isRole(role) || !Number.isSafeInteger(Number(chain))) {
    throw new HttpProblem(
      400,
      `"${text.slice(0, 80)}" is not an account: payer, escrow or payee, then :<chain_id>:<address>`
    )
  }
  return accountName(role, { chain_id: Number(chain), address: parseAddress(address) })
}

const isRole = (role: string | undefined) => role === 'payer' || role === 'escrow' || role === 'payee'

function present({ asset_symbol, ...sums }: { asset_symbol: string | null; total: string; pending: string }) {
  const pending = BigInt(sums.pending)
  const posted = BigInt(sums.total) - pending
  const available = pending < 0n ? posted + pending : posted
  return { asset_symbol, posted: String(posted), pending: String(pending), available: String(available) }
}
