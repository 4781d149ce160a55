import { HttpProblem, parseAddress } from '@fusion-prime/http'
import type { assessPortfolio, RequestOf } from '@fusion-prime/operations'
import { type Decimal, parseAmount, parseDecimal, ZERO } from '../decimal.ts'
import { type Position, wholeUnitsOf } from '../position/position.ts'

/** An amount of an asset in whole units, and the escrow that it is in, if any. */
export type Holding = { asset: string; amount: Decimal; escrow_address: string | null }
export type EscrowHolding = Holding & { escrow_address: string }

/** Whole units by asset, sorted by asset; nothing of an asset is left out. */
export type Amounts = ReadonlyMap<string, Decimal>

type Given = RequestOf<typeof assessPortfolio>['positions'][number]

/** HttpProblem 400 for a name with spaces or control characters, an amount that isn't one, or an address with a wrong checksum. */
export function parseHolding({ asset, amount, escrow_address }: Given): Holding {
  return {
    asset: parseAsset(asset),
    amount: parseAmount(amount),
    escrow_address: escrow_address ? parseEscrow(escrow_address) : null
  }
}

/** Lower case; a slip in an address would count its escrow twice. Names that are no address of an EVM chain are taken as they are. */
const parseEscrow = (text: string): string => (/^0x[0-9a-f]{40}$/i.test(text) ? parseAddress(text) : text.toLowerCase())

export function parseAsset(asset: string): string {
  if (!/^[^\s\p{C}]{1,32}$/u.test(asset))
    throw new HttpProblem(400, `${JSON.stringify(asset)} is not the name of an asset`)
  return asset
}

/** What a user has at stake in escrows: the deposits that he paid or is to be paid. An arbiter has nothing of his own in them. */
export function holdingsOf(positions: readonly Position[]): EscrowHolding[] {
  const escrows = new Map(
    positions
      .filter(position => position.role !== 'arbiter')
      .map(position => [`${position.chain_id}:${position.escrow_address}`, position])
  )
  return [...escrows.values()].map(position => ({
    asset: position.asset_symbol,
    // An asset without known decimals has no price either, so that this amount is never valued.
    amount: parseDecimal(wholeUnitsOf(position) ?? position.amount),
    escrow_address: position.escrow_address
  }))
}

/** What was given, and what is known beyond it. An escrow counts once: as it is first given, else as it is known. */
export function mergeHoldings(given: readonly Holding[], known: readonly EscrowHolding[]): Holding[] {
  const escrows = new Set<string | null>()
  const once = given.filter(({ escrow_address }) => {
    const isAgain = escrow_address !== null && escrows.has(escrow_address)
    escrows.add(escrow_address)
    return !isAgain
  })
  return [...once, ...known.filter(({ escrow_address }) => !escrows.has(escrow_address))]
}

/** Added up by asset. */
export function amountsOf(holdings: readonly Pick<Holding, 'asset' | 'amount'>[]): Amounts {
  const totals = new Map<string, Decimal>()
  for (const { asset, amount } of holdings)
    if (!amount.isZero()) totals.set(asset, amount.plus(totals.get(asset) ?? ZERO))
  return new Map([...totals].sort(([a], [b]) => (a < b ? -1 : 1)))
}
