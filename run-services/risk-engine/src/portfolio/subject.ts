import { HttpProblem } from '@fusion-prime/http'
import { assessPortfolio, UserId, WholeUnits } from '@fusion-prime/operations'
import { type Static, Type } from 'typebox'
import { parseAmount } from '../decimal.ts'
import { amountsOf, parseAsset, parseHolding } from './holdings.ts'
import type { Subject } from './load.ts'

/** Whose portfolio a question is about: a user's, or one that is given. */
export const subjectFields = {
  user_id: Type.Optional(UserId),
  positions: Type.Optional(assessPortfolio.request.properties.positions)
}
export const borrowField = {
  borrow: Type.Optional(
    Type.Record(Type.String(), WholeUnits, {
      maxProperties: 1_000,
      description: 'debt beside given positions, in whole units by asset; a user’s is known'
    })
  )
}
const SubjectFields = Type.Object({ ...subjectFields, ...borrowField })

/** HttpProblem 400 unless there is a user, or positions and perhaps a debt. */
export function parseSubject({ user_id, positions, borrow }: Static<typeof SubjectFields>): Subject {
  const isEither = (user_id === undefined) !== (positions === undefined)
  if (!isEither || (user_id !== undefined && borrow))
    throw new HttpProblem(400, 'give either user_id, or positions and perhaps a debt')
  const debts = Object.entries(borrow ?? {}).map(([asset, amount]) => ({
    asset: parseAsset(asset),
    amount: parseAmount(amount)
  }))
  return {
    user_id: user_id === undefined ? undefined : userOf(user_id),
    positions: (positions ?? []).map(parseHolding),
    borrow: amountsOf(debts)
  }
}

/** A user who is an address is known by it in lower case. */
export const userOf = (text: string): string => (/^0x[0-9a-f]{40}$/i.test(text) ? text.toLowerCase() : text)
