import type { BlockId } from '../chain.ts'

/** The chain was reorganised while it was read. Nobody is to blame: the next tick finds the fork. */
export class ChainMoved extends Error {
  override readonly name = 'ChainMoved'

  constructor({ number, hash }: BlockId) {
    super(
      `the chain was reorganised while it was read: block ${number} is no longer ${hash}; the next tick begins at the fork`
    )
  }
}
