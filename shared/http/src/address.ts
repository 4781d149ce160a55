import { keccak_256 } from '@noble/hashes/sha3'
import { bytesToHex } from '@noble/hashes/utils'
import { HttpProblem } from './problem.ts'

/** An address as a client writes it, in lower case. Mixed case must carry a valid checksum (EIP-55), so that a slip is noticed. */
export function parseAddress(text: string): string {
  if (!/^0[xX][0-9a-fA-F]{40}$/.test(text))
    throw new HttpProblem(400, `"${text.slice(0, 60)}" is not an address: 0x and 40 hex digits`)
  const digits = text.slice(2)
  const lower = digits.toLowerCase()
  const mixed = digits !== lower && digits !== digits.toUpperCase()
  if (mixed && digits !== checksummed(lower))
    throw new HttpProblem(400, `${text} has a wrong checksum: check it, or write it in lower case`)
  return `0x${lower}`
}

function checksummed(lower: string): string {
  const hash = bytesToHex(keccak_256(new TextEncoder().encode(lower)))
  return [...lower]
    .map((digit, index) => (Number.parseInt(hash.charAt(index), 16) >= 8 ? digit.toUpperCase() : digit))
    .join('')
}
