import { badHex, bytesToHex, hexToBytes } from './hex.ts'
import { keccak256 } from './keccak.ts'

/** The three bits, of 2,048, that an address or a topic sets. */
export type BloomBits = readonly [number, number, number]

const bloomFormat = { name: 'logsBloom', bytes: 256 }
const itemFormat = { name: 'an address or a topic' }

/** The bits of an address or a topic, to be computed once and asked of many blooms. */
export function bloomBits(hexValue: string): BloomBits {
  const bytes = hexToBytes(hexValue, itemFormat)
  if (bytes.length !== 20 && bytes.length !== 32) throw badHex(hexValue, { name: 'an address (20) or a topic (32)' })
  const hash = keccak256(bytes)
  const words = new DataView(hash.buffer, hash.byteOffset)
  return [words.getUint16(0) & 2047, words.getUint16(2) & 2047, words.getUint16(4) & 2047]
}

/** False: no log of the block has the address or topic. True: one may have it, or the bits are those of others. */
export function bloomHas(bloom: Uint8Array, bits: BloomBits): boolean {
  if (bloom.length !== 256) throw new Error(`a bloom has 256 bytes, not ${bloom.length}; take it from parseBloom`)
  return has(bloom, bits[0]) && has(bloom, bits[1]) && has(bloom, bits[2])
}

const has = (bloom: Uint8Array, bit: number) => (((bloom[255 - (bit >> 3)] ?? 0) >> (bit & 7)) & 1) === 1

/** The 256 bytes of a `logsBloom`. Throws if it isn't one. */
export function parseBloom(hex: string): Uint8Array {
  return hexToBytes(hex, bloomFormat)
}

/** The `logsBloom` of a block or a receipt with these logs. */
export function bloomOf(logs: readonly { address: string; topics: readonly string[] }[]): string {
  const bloom = new Uint8Array(256)
  for (const { address, topics } of logs) {
    for (const item of [address, ...topics]) {
      for (const bit of bloomBits(item)) bloom[255 - (bit >> 3)] = (bloom[255 - (bit >> 3)] ?? 0) | (1 << (bit & 7))
    }
  }
  return bytesToHex(bloom)
}
