import { createHash } from 'node:crypto'

/** A stream of pseudo-random choices; the same seed gives the same ones. */
export type Random = {
  /** From `min` to `max`, both possible. */
  int(min: number, max: number): number
  chance(probability: number): boolean
  /** Throws on an empty list. */
  pick<T>(items: readonly T[]): T
  /** 0x and so many random bytes. */
  hex(bytes: number): `0x${string}`
}

/** sfc32 (Chris Doty-Humphrey's PractRand), begun from the SHA-256 of the seed. */
export function createRandom(seed: string): Random {
  const start = createHash('sha256').update(seed).digest()
  let [a, b, c, counter] = [start.readInt32LE(0), start.readInt32LE(4), start.readInt32LE(8), 1]
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }
  const int = (min: number, max: number) => min + Math.floor((next() / 2 ** 32) * (max - min + 1))
  return {
    int,
    chance: probability => next() / 2 ** 32 < probability,
    pick(items) {
      if (items.length === 0) throw new RangeError('there is nothing to pick from')
      // The index is below the length, so there is an item; it may be undefined itself.
      return items[int(0, items.length - 1)] as (typeof items)[number]
    },
    hex: bytes => `0x${Array.from({ length: bytes }, () => int(0, 255).toString(16).padStart(2, '0')).join('')}`
  }
}
