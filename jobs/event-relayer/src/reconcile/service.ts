import { subscriptions } from '@fusion-prime/events'
import type { CallContext, ServiceClient } from '@fusion-prime/http'
import {
  type AnswerOf,
  getRanges,
  listRangeFacts,
  listRangeFaults,
  listRangeManifests,
  type Operation,
  type RangeDigests,
  type RequestOf,
  repairRange
} from '@fusion-prime/operations'
import type { Range } from '../chain.ts'
import type { Levels } from './compare-facts.ts'
import type { ServiceName } from './finding.ts'

export type FaultsPage = AnswerOf<typeof listRangeFaults>
export type RepairRequest = Omit<RequestOf<typeof repairRange>, 'chain_id'>

/** A service as reconciliation asks it, about one chain. Every answer is one that could be had: what can't be read throws. */
export type AskedService = {
  name: ServiceName
  levels: Levels
  digests(range: Range): Promise<RangeDigests>
  facts(range: Range): Promise<AnswerOf<typeof listRangeFacts>['items']>
  manifests(range: Range): Promise<AnswerOf<typeof listRangeManifests>['items']>
  /** A page of the service's check of itself; `cursor` undefined for the first. */
  faults(range: Range, cursor: string | undefined): Promise<FaultsPage>
  repair(request: RepairRequest): Promise<AnswerOf<typeof repairRange>>
}

export function createAskedService({
  name,
  client,
  chainId: chain_id,
  context
}: {
  name: ServiceName
  client: Pick<ServiceClient, 'call'>
  chainId: number
  context: CallContext
}): AskedService {
  async function ask<Op extends Operation>(operation: Op, request: RequestOf<Op>): Promise<AnswerOf<Op>> {
    const result = await client.call(operation, request, context)
    if (result.ok) return result.answer
    const { reason, status, detail } = result
    throw new Error(
      `${name} could not be asked (${operation.id}): ${reason}${status === null ? '' : ` ${status}`}: ${detail}`
    )
  }

  async function all<Item>(
    page: (cursor: string | undefined) => Promise<{ items: Item[]; next_cursor: string | null }>
  ) {
    const items: Item[] = []
    for (let cursor: string | undefined; ; ) {
      const { items: more, next_cursor } = await page(cursor)
      items.push(...more)
      if (next_cursor === null) return items
      cursor = next_cursor
    }
  }

  const asked = (range: Range, cursor?: string) => ({ ...range, chain_id, ...(cursor !== undefined && { cursor }) })
  return {
    name,
    levels: subscriptions[`escrow-events-${name}`].filter === null ? 'every' : 'first',
    digests: range => ask(getRanges, asked(range)),
    facts: range => all(cursor => ask(listRangeFacts, asked(range, cursor))),
    manifests: range => all(cursor => ask(listRangeManifests, asked(range, cursor))),
    faults: (range, cursor) => ask(listRangeFaults, asked(range, cursor)),
    repair: request => ask(repairRange, { ...request, chain_id })
  }
}
