import { hash } from 'node:crypto'
import { ApprovalGranted, escrowEvents, eventId, factId } from '@fusion-prime/events'
import { contentDigest } from '@fusion-prime/operations'
import type { Range } from '../chain.ts'
import { type ChainFact, type ChainPart, digestsOf } from './chain-parts.ts'
import type { Manifest } from './manifest-check.ts'

export const blockHash = (number: number): string => `0x${hash('sha256', `block ${number}`, 'hex')}`

/** The nth fact of a block. */
export function chainFact(n: number, block_number: number): ChainFact {
  const { event_id: _, finality: __, incarnation: ___, ...example } = ApprovalGranted.example
  const place = { ...example, block_number, block_hash: blockHash(block_number), log_index: n }
  const body = { ...place, fact_id: factId(place) }
  return {
    fact_id: body.fact_id,
    incarnation: 1,
    event_id: eventId({ ...body, finality: 'finalized', incarnation: 1 }),
    block_number,
    content_digest: contentDigest(escrowEvents, body),
    body
  }
}

/** A chain with two facts in every third block. */
export const factsOf = ({ from, to }: Range): ChainFact[] =>
  blocksOf({ from, to }).flatMap(number => (number % 3 === 0 ? [chainFact(1, number), chainFact(2, number)] : []))

const blocksOf = ({ from, to }: Range): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index)

export function partOf(range: Range): ChainPart {
  const facts = factsOf(range)
  const headers = blocksOf(range).map(number => ({ number, hash: blockHash(number) }))
  return { ...range, facts, headers, digests: digestsOf(facts) }
}

/** What a relayer states of a range. */
export function manifestOf({ from, to }: Range, values: Partial<Manifest> = {}): Manifest {
  const { count, digest } = digestsOf(factsOf({ from, to }))
  const [from_hash, to_hash, revision] = [blockHash(from), blockHash(to), values.revision ?? 1]
  const named = hash('sha256', `${from} ${to} ${values.to_hash ?? to_hash} ${revision}`, 'hex')
  const event_id = named.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')
  const stated = { from_block: from, from_hash, to_block: to, to_hash, count, digest, previous_digest: null, revision }
  return { event_id, chain_id: 31337, ...stated, ...values }
}
