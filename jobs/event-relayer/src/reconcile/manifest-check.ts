import { hash } from 'node:crypto'
import type { StoredManifest } from '@fusion-prime/operations'
import type { Static } from 'typebox'
import type { Range } from '../chain.ts'
import { differing } from '../verify/difference.ts'
import type { ChainPart } from './chain-parts.ts'
import type { Finding, ServiceName } from './finding.ts'

export type Manifest = Static<typeof StoredManifest>
export type Copies = readonly { service: ServiceName; manifests: readonly Manifest[] }[]

/** What is wrong, right copies of manifests that a service lacks, and how many were compared. */
export type Looked = { findings: Finding[]; again: Manifest[]; compared: number }

export type ManifestCheck = {
  /** Parts must be given in order, without a gap. */
  next(part: ChainPart): void
  /** Those that end in the part, from copies of all that touch it, by service. May be asked again when copies have arrived. */
  compare(copies: Copies): Looked
  /** After the last part: blocks of the range that no right manifest states. */
  gaps(): Finding[]
}

/** Recounts manifests from the chain. One whose last block left the chain was superseded and counts for nothing. */
export function createManifestCheck({
  from,
  to,
  mayChangeFrom = Number.POSITIVE_INFINITY
}: Range & {
  /** Manifests that reach this block are made anew soon: a lane is being read. */
  mayChangeFrom?: number | undefined
}): ManifestCheck {
  let facts: { fact_id: string; block_number: number }[] = []
  const hashes = new Map<number, string>()
  const stated: Range[] = []
  let end = from - 1
  let compared: { right: Range[]; needed: number } = { right: [], needed: from }

  function wrongIn({ from_block, to_block, from_hash, count, digest }: Manifest): string | undefined {
    if (from_block < from || to_block >= mayChangeFrom) return undefined
    const ids = facts.filter(({ block_number }) => block_number >= from_block && block_number <= to_block)
    const sorted = ids.map(({ fact_id }) => fact_id).sort()
    const chain = {
      from_hash: hashes.get(from_block),
      count: ids.length,
      digest: hash('sha256', sorted.join('\n'), 'hex')
    }
    const different = differing({ from_hash, count, digest }, chain)
    return different && `it says ${different.stored}, the chain gives ${different.chain}`
  }

  function judge({ event_id, from_block, to_block }: Manifest, copies: Copies) {
    const held = copies.map(({ service, manifests }) => {
      const copy = manifests.find(one => one.event_id === event_id)
      return { service, copy, wrong: copy && wrongIn(copy) }
    })
    const place = { what: 'manifest', block_number: from_block, fact_id: null, escrow_address: null } as const
    const name = `blocks ${from_block} to ${to_block}, ${event_id}`
    const findings = held.flatMap(({ service, copy, wrong }): Finding[] => {
      if (!copy) return [{ ...place, service, kind: 'missing', detail: name }]
      return wrong ? [{ ...place, service, kind: 'altered', detail: `${name}: ${wrong}` }] : []
    })
    return {
      findings,
      right: held.find(({ copy, wrong }) => copy && !wrong)?.copy,
      lacking: held.some(one => !one.copy)
    }
  }

  /** What was compared last is done with. */
  function conclude(): void {
    const { right, needed } = compared
    stated.push(...right)
    facts = facts.filter(({ block_number }) => block_number >= needed)
    for (const number of hashes.keys()) if (number < needed) hashes.delete(number)
    compared = { right: [], needed }
  }

  return {
    next(part) {
      conclude()
      end = part.to
      facts.push(...part.facts)
      for (const { number, hash } of part.headers) hashes.set(number, hash)
    },
    compare(copies) {
      const touching = newest(copies.flatMap(({ manifests }) => manifests))
      const ending = touching.filter(({ to_block, to_hash }) => to_block <= end && hashes.get(to_block) === to_hash)
      const judged = ending.map(manifest => judge(manifest, copies))
      const right = judged.flatMap(one => one.right ?? [])
      const open = touching.filter(({ to_block }) => to_block > end)
      compared = {
        right: right.map(({ from_block, to_block }) => ({ from: from_block, to: to_block })),
        needed: Math.min(end + 1, ...open.map(({ from_block }) => from_block))
      }
      return {
        findings: judged.flatMap(({ findings }) => findings),
        again: judged.flatMap(({ right, lacking }) => (right && lacking ? [right] : [])),
        compared: ending.length
      }
    },
    gaps() {
      conclude()
      const nobody = { service: null, kind: 'missing', what: 'manifest', fact_id: null, escrow_address: null } as const
      const found: Finding[] = []
      let due = from
      for (const one of [...stated.sort((a, b) => a.from - b.from), { from: to + 1, to: to + 1 }]) {
        const detail = `blocks ${due} to ${one.from - 1}: no service has a right one`
        if (one.from > due) found.push({ ...nobody, block_number: due, detail })
        due = Math.max(due, one.to + 1)
      }
      return found
    }
  }
}

/** Of each range the newest revision that anybody has. */
function newest(manifests: readonly Manifest[]): Manifest[] {
  const byRange = new Map<string, Manifest>()
  for (const manifest of manifests) {
    const key = `${manifest.from_block} ${manifest.to_hash}`
    if ((byRange.get(key)?.revision ?? 0) < manifest.revision) byRange.set(key, manifest)
  }
  return [...byRange.values()].sort((a, b) => a.from_block - b.from_block || a.to_block - b.to_block)
}
