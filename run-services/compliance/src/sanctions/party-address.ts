import { HttpProblem, parseAddress } from '@fusion-prime/http'
import { addressKey } from './list.ts'

/** Begins like an EVM address, has one within (`eip155:1:0x…`), or is one without its 0x. */
const looksEvm = /^0x|0x[0-9a-f]{40}|^[0-9a-f]{40}$/i

/** An address of any chain as lists have it; one that looks like an EVM address must be one, since a slip would pass as clear. */
export const parseParty = (address: string): string =>
  looksEvm.test(address) ? parseAddress(address) : addressKey(address)

/** As parseParty, for an address that nobody has to have met: what can't be one of any chain is refused. */
export function parseAnyAddress(text: string): string {
  if (looksEvm.test(text) || /^[A-Za-z0-9:]{20,120}$/.test(text)) return parseParty(text)
  throw new HttpProblem(400, `"${text.slice(0, 60)}" is not an address of any chain`)
}
