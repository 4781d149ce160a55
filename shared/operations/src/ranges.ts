import { type TSchema, Type } from 'typebox'
import { defineOperation } from './define.ts'
import { Nullable } from './scalars.ts'

const Block = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const Digest = Type.String({ pattern: '^[0-9a-f]{64}$' })
const Id = Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' })
const Address = Type.String({ pattern: '^0x[0-9a-f]{40}$' })
const Hash = Type.String({ pattern: '^0x[0-9a-f]{64}$' })

/** Entries of one page at most. */
export const MAX_PAGE = 500
/** Ids of each kind that one repair takes at most. */
export const MAX_REPAIR = 500

const ofChain = { from: Block, to: Block, chain_id: Block }
const page = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_PAGE, default: MAX_PAGE })),
  cursor: Type.Optional(Type.String({ maxLength: 200 }))
}
const pageOf = <Item extends TSchema>(item: Item) =>
  Type.Object({ items: Type.Array(item), next_cursor: Nullable(Type.String()) })

/** Which facts of some blocks a service holds: compared with the chain and with the manifests. */
export const getRanges = defineOperation({
  id: 'getRanges',
  method: 'GET',
  path: '/ranges',
  request: Type.Object({ from: Block, to: Block, chain_id: Type.Optional(Block) }),
  answer: Type.Object({
    count: Count,
    /** SHA-256 over the sorted fact_ids, joined by a line feed. */
    digest: Digest,
    /** The same over `<fact_id>:<digest of its content>`, so that it also tells when a body was altered. */
    content_digest: Digest,
    /** How many of them the service was told to be final; all, if it is told every level. */
    final_count: Count,
    manifests: Type.Object({
      count: Count,
      /** Whether they state all of the blocks asked for. */
      contiguous: Type.Boolean(),
      /** The first block asked for that none states. */
      first_gap: Nullable(Block)
    })
  })
})

export const RangeFact = Type.Object({
  fact_id: Id,
  /** Of the newest message that said it to be final, if one came. */
  event_id: Nullable(Id),
  block_number: Block,
  content_digest: Digest,
  /** False: it is held, and was reverted, or nothing is known of its level. */
  counts: Type.Boolean()
})

/** The facts that a service holds of some blocks, by fact_id. */
export const listRangeFacts = defineOperation({
  id: 'listRangeFacts',
  method: 'GET',
  path: '/ranges/facts',
  request: Type.Object({ ...ofChain, ...page }),
  answer: pageOf(RangeFact)
})

export const StoredManifest = Type.Object({
  event_id: Id,
  chain_id: Block,
  from_block: Block,
  from_hash: Hash,
  to_block: Block,
  to_hash: Hash,
  count: Count,
  digest: Digest,
  previous_digest: Nullable(Digest),
  revision: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })
})

/** The manifests that touch some blocks, by first block, each in its newest revision. */
export const listRangeManifests = defineOperation({
  id: 'listRangeManifests',
  method: 'GET',
  path: '/ranges/manifests',
  request: Type.Object({ ...ofChain, ...page }),
  answer: pageOf(StoredManifest)
})

export const RangeFault = Type.Object({
  kind: Type.Union([Type.Literal('missing'), Type.Literal('altered'), Type.Literal('extra')]),
  what: Type.Union([
    Type.Literal('escrow'),
    Type.Literal('ledger'),
    Type.Literal('position'),
    Type.Literal('party'),
    Type.Literal('screening')
  ]),
  escrow_address: Address,
  detail: Type.String()
})

/** A service's check of itself: rows that aren't what its facts of the escrows that these blocks touch give. */
export const listRangeFaults = defineOperation({
  id: 'listRangeFaults',
  method: 'GET',
  path: '/ranges/derived',
  request: Type.Object({ ...ofChain, ...page }),
  answer: Type.Object({
    items: Type.Array(RangeFault),
    /** Escrows that were checked for this page. */
    escrows: Count,
    next_cursor: Nullable(Type.String())
  })
})

/**
 * Lets what is missing come again: forgets that messages were handled whose effect is gone, and writes derived rows that are missing.
 * Rows that are there stay as they are.
 */
export const repairRange = defineOperation({
  id: 'repairRange',
  method: 'POST',
  path: '/ranges/repair',
  request: Type.Object({
    chain_id: Block,
    /** Messages that are about to be published again, with their facts. */
    facts: Type.Array(Type.Object({ fact_id: Id, event_id: Id }), { maxItems: MAX_REPAIR }),
    /** Manifests that are about to be published again, by event_id. */
    manifests: Type.Array(Id, { maxItems: MAX_REPAIR }),
    /** Escrows whose missing rows are to be written. */
    escrows: Type.Array(Address, { maxItems: MAX_REPAIR })
  }),
  answer: Type.Object({ forgotten: Count, written: Count })
})
