/** What a provider takes in one `eth_getLogs` call: blocks, and addresses where a limit is known. */
export type LimitValues = { max_blocks: number; max_addresses?: number }

/** Limits that are learned from refusals and probed anew after calls that went well. */
export type Limits = {
  readonly max_blocks: number
  readonly max_addresses?: number
  learn(limit: { max_blocks: number } | { max_addresses: number }): void
  /** After a call that went well: one at a limit lets that limit be probed. */
  grow(asked: { blocks: number; addresses: number }): void
  values(): LimitValues
}

const GROWTH = 1.25
/** Calls at the limit before more is tried; doubled by each refusal, so that a hard limit costs ever fewer refused calls. */
const PATIENCE = 4
const MOST_PATIENCE = 1024

export function createLimits(mostBlocks: number): Limits & { restore(values: LimitValues): void } {
  let { max_blocks, max_addresses }: LimitValues = { max_blocks: mostBlocks }
  let patience = PATIENCE
  let good = 0

  return {
    get max_blocks() {
      return max_blocks
    },
    get max_addresses() {
      return max_addresses ?? Number.POSITIVE_INFINITY
    },
    learn(limit) {
      if ('max_blocks' in limit) max_blocks = Math.max(1, Math.min(max_blocks, Math.floor(limit.max_blocks)))
      else max_addresses = Math.max(1, Math.min(max_addresses ?? limit.max_addresses, Math.floor(limit.max_addresses)))
      patience = Math.min(patience * 2, MOST_PATIENCE)
      good = 0
    },
    grow({ blocks, addresses }) {
      const isLong = blocks >= max_blocks
      const isWide = max_addresses !== undefined && addresses >= max_addresses
      if (!(isLong || isWide) || ++good < patience) return
      good = 0
      if (isLong) max_blocks = Math.min(mostBlocks, Math.ceil(max_blocks * GROWTH))
      if (isWide) max_addresses = Math.ceil(addresses * GROWTH)
    },
    values: () => (max_addresses === undefined ? { max_blocks } : { max_blocks, max_addresses }),
    restore(values) {
      max_blocks = Math.max(1, Math.min(mostBlocks, values.max_blocks))
      max_addresses = values.max_addresses
    }
  }
}
