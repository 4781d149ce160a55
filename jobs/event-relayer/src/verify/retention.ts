import type { Sql } from '@fusion-prime/postgres'
import type { Manifest } from '../store/manifests.ts'
import type { StoredManifest } from './stored-manifests.ts'
import { endingBelow } from './stored-manifests.ts'

/** What can't have been forgotten yet: published messages are kept for OUTBOX_RETENTION_HOURS. */
export type Retention = {
  /** Of a final fact in a block: whether its message is certainly younger than that. */
  isKept(block: number): boolean
  isYoung(ageSeconds: number): boolean
}

/**
 * A fact of a range becomes final after the range before it was stated, so its message is younger than that manifest; in the first range
 * it is younger than the tables.
 */
export async function retentionOf(
  tx: Sql,
  { chainId, manifests, hours }: { chainId: number; manifests: readonly StoredManifest[]; hours: number }
): Promise<Retention> {
  const isYoung = (ageSeconds: number) => ageSeconds < hours * 3600
  const [first] = manifests
  const before = first && (await endingBelow(tx, { chainId, block: first.from_block }))
  const [tables] = await tx<{ age_seconds: number }[]>`
    select extract(epoch from now() - min(applied_at))::float8 as age_seconds from schema_migrations`
  const oldest = tables?.age_seconds ?? Number.POSITIVE_INFINITY
  const within = ({ from_block, to_block }: Manifest, block: number) => from_block <= block && block <= to_block
  return {
    isYoung,
    isKept(block) {
      const at = manifests.findIndex(manifest => within(manifest, block))
      const previous = at > 0 ? manifests[at - 1] : before
      return isYoung(previous ? Math.min(previous.age_seconds, oldest) : oldest)
    }
  }
}
