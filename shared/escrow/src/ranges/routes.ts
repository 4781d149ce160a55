import { HttpProblem } from '@fusion-prime/http'
import {
  type AnswerOf,
  getRanges,
  listRangeFacts,
  listRangeFaults,
  listRangeManifests,
  MAX_PAGE,
  type RequestOf,
  repairRange
} from '@fusion-prime/operations'
import type { Sql } from '@fusion-prime/postgres'
import type { FastifyPluginAsync } from 'fastify'
import { checkDerived, type Derivation, repair } from './derived.ts'
import { digestsOf, listFacts } from './held-facts.ts'
import { chainsOf, coverageOf, listManifests } from './manifests.ts'

type Query<Op> = { Querystring: RequestOf<Op> }

/** Escrows that one page of the self-check folds at most. */
const MAX_ESCROWS = 100

/** What reconciliation asks of a service: which facts and manifests it holds, whether its rows follow from them, and to let what is missing come again. */
export function rangeRoutes({ sql, derivation }: { sql: Sql; derivation: Derivation }): FastifyPluginAsync {
  const tags = ['ranges']
  return async app => {
    app.get<Query<typeof getRanges>>(
      getRanges.path,
      {
        schema: {
          operationId: getRanges.id,
          summary: 'Count and digests of the facts that count in some blocks',
          tags,
          querystring: getRanges.request,
          response: { 200: getRanges.answer }
        }
      },
      async ({ query }): Promise<AnswerOf<typeof getRanges>> => {
        const range = checkRange({ ...query, chain_id: query.chain_id ?? (await onlyChain(sql, query)) })
        return { ...(await digestsOf(sql, range)), manifests: await coverageOf(sql, range) }
      }
    )

    app.get<Query<typeof listRangeFacts>>(
      listRangeFacts.path,
      {
        schema: {
          operationId: listRangeFacts.id,
          summary: 'The facts of some blocks, a page at a time',
          tags,
          querystring: listRangeFacts.request,
          response: { 200: listRangeFacts.answer }
        }
      },
      async ({ query: { limit = MAX_PAGE, cursor, ...asked } }): Promise<AnswerOf<typeof listRangeFacts>> => {
        const after = parseCursor(cursor, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
        const items = await listFacts(sql, { range: checkRange(asked), after, limit })
        return { items, next_cursor: items.length === limit ? (items.at(-1)?.fact_id ?? null) : null }
      }
    )

    app.get<Query<typeof listRangeManifests>>(
      listRangeManifests.path,
      {
        schema: {
          operationId: listRangeManifests.id,
          summary: 'The manifests that touch some blocks, a page at a time',
          tags,
          querystring: listRangeManifests.request,
          response: { 200: listRangeManifests.answer }
        }
      },
      async ({ query: { limit = MAX_PAGE, cursor, ...asked } }): Promise<AnswerOf<typeof listRangeManifests>> => {
        const [from_block, to_hash = ''] = parseCursor(cursor, /^[0-9]{1,16}:0x[0-9a-f]{64}$/)?.split(':') ?? []
        const after = from_block === undefined ? undefined : { from_block: Number(from_block), to_hash }
        const items = await listManifests(sql, { range: checkRange(asked), after, limit })
        const last = items.at(-1)
        return { items, next_cursor: last && items.length === limit ? `${last.from_block}:${last.to_hash}` : null }
      }
    )

    app.get<Query<typeof listRangeFaults>>(
      listRangeFaults.path,
      {
        schema: {
          operationId: listRangeFaults.id,
          summary: 'Rows that aren’t what the facts of the escrows in some blocks give, a page at a time',
          tags,
          querystring: listRangeFaults.request,
          response: { 200: listRangeFaults.answer }
        }
      },
      async ({ query: { limit = MAX_ESCROWS, cursor, ...asked } }): Promise<AnswerOf<typeof listRangeFaults>> => {
        const after = parseCursor(cursor, /^0x[0-9a-f]{40}$/)
        const page = { range: checkRange(asked), after, limit: Math.min(limit, MAX_ESCROWS) }
        const { last, ...checked } = await checkDerived(sql, { derivation, ...page })
        return { ...checked, next_cursor: last ?? null }
      }
    )

    app.post<{ Body: RequestOf<typeof repairRange> }>(
      repairRange.path,
      {
        schema: {
          operationId: repairRange.id,
          summary: 'Forget messages whose effect is gone, and write derived rows that are missing',
          tags,
          body: repairRange.request,
          response: { 200: repairRange.answer }
        }
      },
      ({ body }): Promise<AnswerOf<typeof repairRange>> => repair(sql, { ...body, derivation })
    )
  }
}

function checkRange<Asked extends { from: number; to: number }>(asked: Asked): Asked {
  if (asked.from > asked.to) throw new HttpProblem(400, `from ${asked.from} is above to ${asked.to}`)
  return asked
}

/** The chain that is meant where none was said; any where nothing is held. */
async function onlyChain(sql: Sql, range: { from: number; to: number }): Promise<number> {
  const [chain = 0, another] = await chainsOf(sql, range)
  if (another !== undefined)
    throw new HttpProblem(409, 'these blocks are held of several chains: say which with chain_id')
  return chain
}

function parseCursor(cursor: string | undefined, form: RegExp): string | undefined {
  if (cursor === undefined || form.test(cursor)) return cursor
  throw new HttpProblem(400, 'cursor is not one that this service gave')
}
