import type { chainRanges, RangeManifest, SubscriptionDefinition } from '@fusion-prime/events'
import { type ConsumeDeps, consume } from '@fusion-prime/http'
import type { FastifyPluginAsync } from 'fastify'
import { appendManifests } from './manifests.ts'

/** Manifests of finalized ranges: stored, to compare with what is held. */
export const rangeManifests = (
  subscription: SubscriptionDefinition<typeof chainRanges>
): ((deps: ConsumeDeps) => FastifyPluginAsync) =>
  consume(subscription, {
    logAs: 'range_manifest_stored',
    logFields: describeManifest,
    handle: async (sql, manifests) => {
      await appendManifests(sql, manifests)
      return []
    }
  })

const describeManifest = ({ event_id, chain_id, from_block, to_block, count }: RangeManifest) => ({
  event_id,
  chain_id,
  from_block,
  to_block,
  count
})
