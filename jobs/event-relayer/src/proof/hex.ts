/** What a hex string stands for; `bytes` where its size is fixed. */
export type Format = { name: string; bytes?: number }

// One entry per UTF-16 unit: Node's own decoder drops the high byte, so that it reads 'İ' (U+0130) as '0' and two different answers have one hash.
const nibbles = new Int8Array(65_536).fill(-1)
for (const [value, digit] of [...'0123456789abcdef'].entries()) {
  nibbles[digit.charCodeAt(0)] = value
  nibbles[digit.toUpperCase().charCodeAt(0)] = value
}

/** The number of bytes that the `0x` string of untrusted origin has. Throws what is wrong with its shape; the digits are checked by `decodeHex`. */
export function hexSize(value: unknown, format: Format): number {
  if (typeof value !== 'string' || !value.startsWith('0x') || value.length % 2 === 1) throw badHex(value, format)
  const size = (value.length - 2) / 2
  if (format.bytes !== undefined && size !== format.bytes) throw badHex(value, format)
  return size
}

/** Writes the bytes of the digits from `from` on (an even number of them) to `target` at `at`. False if one isn't a hex digit. */
export function decodeHex({ hex, from, target, at }: { hex: string; from: number; target: Uint8Array; at: number }) {
  let seen = 0
  for (let read = from, write = at; read < hex.length; read += 2, write++) {
    const high = nibbles[hex.charCodeAt(read)] ?? -1
    const low = nibbles[hex.charCodeAt(read + 1)] ?? -1
    seen |= high | low
    target[write] = (high << 4) | low
  }
  return seen >= 0
}

/** The bytes of a `0x` string of untrusted origin. Throws if it isn't hex of the format's size. */
export function hexToBytes(value: unknown, format: Format): Uint8Array {
  const bytes = new Uint8Array(hexSize(value, format))
  if (typeof value !== 'string' || !decodeHex({ hex: value, from: 2, target: bytes, at: 0 }))
    throw badHex(value, format)
  return bytes
}

/** Lower-case hex with `0x`. */
export function bytesToHex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`
}

/** An unsigned number from a quantity of at most 32 bits, as indexes, types and positions are. Throws if it isn't one. */
export function hexToNumber(value: unknown, format: Format): number {
  if (typeof value !== 'string' || !/^0x[0-9a-f]{1,8}$/i.test(value)) throw badHex(value, format)
  return Number(value)
}

/** The fault of a value that isn't what its format says; it shows the value's beginning. */
export function badHex(value: unknown, { name, bytes }: Format): Error {
  const wanted = bytes === undefined ? 'hex with 0x' : `${bytes} bytes of hex with 0x`
  return new Error(`${name} must be ${wanted}, and is ${preview(value)}`)
}

function preview(value: unknown): string {
  if (typeof value !== 'string') return value === null ? 'null' : typeof value
  return value.length > 24
    ? `${JSON.stringify(value.slice(0, 24))}… (${value.length} characters)`
    : JSON.stringify(value)
}
