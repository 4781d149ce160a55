import { Type } from 'typebox'
import { type BodyOf, defineEvent, defineTopic } from './define.ts'
import { uuid8 } from './ids.ts'
import { DerivedId, Hash, SafeInteger } from './scalars.ts'

const Digest = Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256, lower-case hex' })

/** The identity of a manifest; later revisions of the same range are numbered from 2. */
export const rangeId = (range: {
  chain_id: number
  from_block: number
  to_hash: string
  revision?: number | undefined
}): string => {
  const { chain_id, from_block, to_hash, revision = 1 } = range
  return uuid8(`${chain_id}:range:${from_block}:${to_hash}${revision === 1 ? '' : `#${revision}`}`)
}

const example = {
  chain_id: 31337,
  from_block: 1,
  from_hash: `0x${'b1'.repeat(32)}`,
  to_block: 8,
  to_hash: `0x${'b8'.repeat(32)}`
}

export const RangeFinalized = defineEvent({
  type: 'range_finalized',
  version: 1,
  meaning: 'All facts of these finalized blocks were published; count and digest prove which.',
  body: Type.Object({
    event_id: DerivedId,
    event_type: Type.Literal('range_finalized'),
    schema_version: Type.Literal(1),
    chain_id: SafeInteger,
    from_block: SafeInteger,
    from_hash: Hash,
    to_block: SafeInteger,
    to_hash: Hash,
    count: SafeInteger,
    digest: Digest,
    previous_digest: Type.Union([Digest, Type.Null()]),
    revision: Type.Optional(SafeInteger)
  }),
  example: {
    event_id: rangeId(example),
    event_type: 'range_finalized',
    schema_version: 1,
    ...example,
    count: 0,
    digest: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    previous_digest: null
  }
})

export const chainRanges = defineTopic({
  name: 'chain.ranges.v1',
  meaning: 'Manifests of finalized ranges, contiguous per chain: which facts were published.',
  orderingKey: 'chain_id',
  orderingKeyPrefix: 'chain:',
  publishers: ['event-relayer'],
  events: [RangeFinalized],
  attributes: [],
  freeAttributes: {},
  derivedIds: body => ({ event_id: rangeId(body) })
})

export type RangeManifest = BodyOf<typeof RangeFinalized>
