/** A chain that escrows may live on. */
export type Chain = {
  id: number
  name: string
  /** Symbol of the asset that pays for gas and fills escrows. */
  nativeAsset: 'ETH'
  /** Usual seconds between blocks: for polling, never for reckoning time. */
  blockTimeSeconds: number
  /** Whether nodes answer the block tags `safe` and `finalized` truly; else finality is a configured depth. */
  hasFinalityTags: boolean
  /** Whether headers and receipts have Ethereum's own types, so that hashes and roots can be recomputed; rollups add others. */
  canProve: boolean
}

export const chains: readonly Chain[] = [
  { id: 1, name: 'Ethereum', nativeAsset: 'ETH', blockTimeSeconds: 12, hasFinalityTags: true, canProve: true },
  { id: 11155111, name: 'Sepolia', nativeAsset: 'ETH', blockTimeSeconds: 12, hasFinalityTags: true, canProve: true },
  { id: 8453, name: 'Base', nativeAsset: 'ETH', blockTimeSeconds: 2, hasFinalityTags: true, canProve: false },
  { id: 31337, name: 'Local', nativeAsset: 'ETH', blockTimeSeconds: 1, hasFinalityTags: true, canProve: true }
]

export const findChain = (id: number): Chain | undefined => chains.find(chain => chain.id === id)

/** As `findChain`, but throws for a chain that isn't in the registry, naming those that are. */
export function requireChain(id: number): Chain {
  const chain = findChain(id)
  if (chain) return chain
  const known = chains.map(({ id, name }) => `${id} (${name})`).join(', ')
  throw new Error(`chain ${id} is not in the registry: use one of ${known}, or add it to shared/chain/src/chains.ts`)
}
