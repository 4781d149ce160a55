import { Type } from 'typebox'
import { defineOperation } from './define.ts'

const Block = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const Digest = Type.String({ pattern: '^[0-9a-f]{64}$' })

/** Which facts of finalized blocks a service holds: compared with the chain and with the manifests. */
export const getRanges = defineOperation({
  id: 'getRanges',
  method: 'GET',
  path: '/ranges',
  request: Type.Object({ from: Block, to: Block, chain_id: Type.Optional(Block) }),
  answer: Type.Object({
    count: Type.Integer({ minimum: 0 }),
    /** SHA-256 over the sorted fact_ids, joined by a line feed. */
    digest: Digest
  })
})
