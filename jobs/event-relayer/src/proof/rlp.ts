import { badHex, decodeHex, type Format, hexSize } from './hex.ts'
import { keccak256 } from './keccak.ts'

/**
 * Writes RLP from its end to its beginning: a list's size is known when its header is due, so nothing is measured twice or copied.
 * So items are written last first, then the list or string that holds them is closed at the mark where it began.
 */
export type RlpWriter = {
  /** Bytes written so far. */
  mark(): number
  /** A byte string from `0x` hex of untrusted origin. */
  data(value: unknown, format: Format): void
  /** An unsigned integer of at most 32 bytes from `0x` hex of untrusted origin: big endian, without leading zeros. */
  quantity(value: unknown, format: Format): void
  /** One byte as it is, without a header. */
  byte(value: number): void
  /** Makes one list of all that was written since the mark. */
  list(since: number): void
  /** Makes one byte string of all that was written since the mark. */
  string(since: number): void
  /** Puts the Keccak-256 hash, as a byte string, in the place of what was written since the mark. */
  digest(since: number): void
  /** What was written since the mark; valid until the next write. */
  view(since: number): Uint8Array
}

// More than a block's gas can pay for; a hostile answer ends here and not at the memory's end.
const maxBytes = 1 << 26

export function createRlpWriter(): RlpWriter {
  let buffer = new Uint8Array(2048)
  let start = buffer.length

  function reserve(bytes: number) {
    if (bytes <= start) return
    const used = buffer.length - start
    if (used + bytes > maxBytes) throw new Error(`an encoding of more than ${maxBytes} bytes is refused`)
    const larger = new Uint8Array(Math.max(buffer.length * 2, used + bytes))
    larger.set(buffer.subarray(start), larger.length - used)
    start = larger.length - used
    buffer = larger
  }
  function byte(value: number) {
    reserve(1)
    buffer[--start] = value
  }
  function header(short: number, size: number) {
    let bytes = 0
    for (let rest = size; size >= 56 && rest > 0; rest >>>= 8, bytes++) byte(rest & 0xff)
    byte(bytes === 0 ? short + size : short + 55 + bytes)
  }
  const mark = () => buffer.length - start
  const view = (since: number) => buffer.subarray(start, buffer.length - since)
  function string(since: number) {
    const size = mark() - since
    if (size !== 1 || (buffer[start] ?? 0) >= 0x80) header(0x80, size)
  }

  return {
    mark,
    view,
    byte,
    string,
    list: since => header(0xc0, mark() - since),
    data(value, format) {
      const size = hexSize(value, format)
      reserve(size)
      start -= size
      if (typeof value !== 'string' || !decodeHex({ hex: value, from: 2, target: buffer, at: start })) {
        throw badHex(value, format)
      }
      string(mark() - size)
    },
    quantity(value, format) {
      if (typeof value !== 'string' || !/^0x[0-9a-f]{1,64}$/i.test(value)) throw badHex(value, format)
      const digits = value.replace(/^0x0*/, '')
      const size = (digits.length + 1) >> 1
      const hex = digits.padStart(size * 2, '0')
      reserve(size)
      start -= size
      decodeHex({ hex, from: 0, target: buffer, at: start })
      string(mark() - size)
    },
    digest(since) {
      const hash = keccak256(view(since))
      start = buffer.length - since
      reserve(33)
      start -= 32
      buffer.set(hash, start)
      byte(0xa0)
    }
  }
}
