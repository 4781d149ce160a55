const MAX_UINT256 = 2n ** 256n - 1n
/** Far more than any amount of any asset has, and few enough that a hostile text costs nothing. */
const MAX_TEXT_LENGTH = 200

/** Decimals of every asset that has a price or a position: base units = whole units x 10^decimals. */
const decimals: ReadonlyMap<string, number> = new Map([
  ['BTC', 8],
  ['ETH', 18],
  ['LINK', 18],
  ['SHIB', 18],
  ['USDC', 6],
  ['YFI', 18]
])

export const assetSymbols: readonly string[] = [...decimals.keys()]

/** Undefined for an unknown asset. */
export const decimalsOf = (symbol: string): number | undefined => decimals.get(symbol)

/** What is wrong with an asset or an amount of it. */
export class AssetError extends Error {
  override readonly name = 'AssetError'
  readonly code: 'asset_unknown' | 'amount_invalid'

  constructor(code: AssetError['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** Base units as an exact decimal text of whole units: 1500000000000000000 of ETH is `1.5`. Throws AssetError for an unknown asset or an amount outside uint256. */
export function toWholeUnits(symbol: string, baseUnits: bigint): string {
  const places = requireDecimals(symbol)
  if (baseUnits < 0n || baseUnits > MAX_UINT256) {
    throw new AssetError('amount_invalid', `${baseUnits} is not an amount of ${symbol}: give 0 to 2^256 - 1 base units`)
  }
  const digits = baseUnits.toString().padStart(places + 1, '0')
  const point = digits.length - places
  const fraction = digits.slice(point).replace(/0+$/, '')
  return digits.slice(0, point) + (fraction && `.${fraction}`)
}

/** Whole units (`1.5`) as base units. Throws AssetError for an unknown asset, or a text that isn't exactly a number of base units in uint256. */
export function toBaseUnits(symbol: string, text: string): bigint {
  const places = requireDecimals(symbol)
  const refuse = (why: string) => {
    const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text
    return new AssetError('amount_invalid', `"${shown}" is not an amount of ${symbol}: ${why}`)
  }
  const match = text.length > MAX_TEXT_LENGTH ? null : /^(0|[1-9][0-9]*)(?:\.([0-9]+))?$/.exec(text)
  if (!match) throw refuse('give whole units as a plain decimal like 1.5')
  const fraction = (match[2] ?? '').replace(/0+$/, '')
  if (fraction.length > places) throw refuse(`it has at most ${places} decimals`)
  const baseUnits = BigInt(`${match[1]}${fraction.padEnd(places, '0')}`)
  if (baseUnits > MAX_UINT256) throw refuse('it is more than 2^256 - 1 base units')
  return baseUnits
}

function requireDecimals(symbol: string): number {
  const places = decimals.get(symbol)
  if (places === undefined) {
    throw new AssetError('asset_unknown', `asset "${symbol}" is unknown: use one of ${assetSymbols.join(', ')}`)
  }
  return places
}
