import type { Sql } from '@fusion-prime/postgres'
import type { Price } from '@fusion-prime/prices'
import { statusAt } from '../kyc/kyc.ts'
import { findNewestCases, type Identity, type KnownCase } from '../kyc/store.ts'
import type { SanctionsList } from '../sanctions/list.ts'
import type { FindName } from '../sanctions/names.ts'
import type { Facts, Input, Standing } from './decide.ts'
import { jurisdictionOfCountry } from './rules.ts'
import { findRecent } from './store.ts'

export type FoundPrice = Price & { fresh: boolean }

/** What a list says of both addresses; nothing without a list. */
export const screenBoth = (
  { payer_address, payee_address }: Pick<Input, 'payer_address' | 'payee_address'>,
  list: Pick<SanctionsList, 'addresses'> | undefined
): Facts['sanctions'] => ({
  payer: list?.addresses.get(payer_address) ?? null,
  payee: list?.addresses.get(payee_address) ?? null
})

/** All that the decision is made from, as of a time; the user is locked. */
export async function gatherFacts(sql: Sql, { input, list, price, at, kycValidDays, findName }: Given): Promise<Facts> {
  const { user_id, payee_address } = input
  // What another list said of a name isn't what the one in force says.
  const isListed = (identity: Identity) =>
    identity.match !== null ||
    (list !== undefined && identity.screened_by !== list.sha256 && findName(list, identity) !== undefined)
  const cases = await findNewestCases(sql, [user_id, payee_address])
  const user = cases.get(user_id)
  const standing = (known: KnownCase | undefined): Standing =>
    known
      ? {
          kyc_status: statusAt(known, { now: at, validDays: kycValidDays }),
          name_listed: known.identity !== undefined && isListed(known.identity)
        }
      : null
  const jurisdiction = input.jurisdiction ?? jurisdictionOfCountry(user?.identity?.country)
  return {
    jurisdiction,
    list: list ? { version: list.version, sha256: list.sha256, as_of: list.asOf.toISOString() } : null,
    sanctions: screenBoth(input, list),
    user: standing(user),
    payee: standing(cases.get(payee_address)),
    price: price
      ? {
          price_usd: price.price_usd,
          sequence: String(price.sequence),
          observed_at: price.observed_at.toISOString(),
          fresh: price.fresh
        }
      : null,
    recent: await findRecent(sql, { user_id, payment_ref: input.workflow_id ?? '', jurisdiction, at })
  }
}

type Given = {
  input: Input
  list: SanctionsList | undefined
  price: FoundPrice | undefined
  at: Date
  kycValidDays: number
  findName: FindName
}
