import { decodeLog, topicsOf } from '@fusion-prime/chain/logs'
import type { RawLog } from '../chain.ts'
import type { WatchSet } from '../watch.ts'

/** Escrows that were deployed, with the block from which on their logs count. */
export type Births = ReadonlyMap<string, { factory: string; from: number }>

const deployments = new Set<string>(topicsOf('EscrowDeployed'))

/** The escrows that the factories deployed in these logs, in chain order, less those that are watched already. The first deployment counts. */
export function birthsIn(logs: readonly RawLog[], watch: WatchSet): Births {
  const births = new Map<string, { factory: string; from: number }>()
  for (const log of logs) {
    if (!deployments.has(log.topics[0] ?? '') || !watch.factories.has(log.address)) continue
    const decoded = decodeLog(log)
    if (decoded.kind !== 'event' || decoded.event !== 'EscrowDeployed') continue
    const { escrow } = decoded.args
    if (!watch.escrows.has(escrow) && !births.has(escrow))
      births.set(escrow, { factory: log.address, from: log.block_number })
  }
  return births
}

/** Whether logs of an address in a block are relayed: a child's from the block of its deployment on, which its first logs precede. */
export const isRelayed =
  (watch: WatchSet, births: Births) =>
  (address: string, block: number): boolean =>
    watch.watches(address) || (births.get(address)?.from ?? Number.POSITIVE_INFINITY) <= block

/** Escrow to its factory. */
export const factoriesOf = (births: Births): Map<string, string> =>
  new Map([...births].map(([escrow, { factory }]) => [escrow, factory]))
