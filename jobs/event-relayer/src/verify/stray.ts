import { eventId, type LogPlace } from '@fusion-prime/events'
import type { Sql } from '@fusion-prime/postgres'
import type { Range } from '../chain.ts'
import { type Difference, NOTHING } from './difference.ts'
import { say } from './outbox.ts'

/** Stray messages of a topic that are told at most. */
const STRAYS = 1_000

type Asked = Range & { chainId: number }
type Stray = { event_id: string; fact_id: string | null; block_number: number }

/** Messages of a range, and commands of any, that nothing that is stored can have led to. What was altered by hand may be no JSON, so none of it is parsed. */
export async function strayMessages(sql: Sql, asked: Asked): Promise<Difference[]> {
  const strays = {
    'escrow-events': await strayFacts(sql, asked),
    'settlement-commands': await strayCommands(sql, asked),
    'chain.ranges.v1': await strayManifests(sql, asked)
  }
  return Object.entries(strays).flatMap(([topic, rows]) =>
    rows.map(({ event_id, fact_id, block_number }): Difference => {
      return { kind: 'outbox_extra', block_number, fact_id, stored: say({ topic, event_id }), chain: NOTHING }
    })
  )
}

/** Of facts that aren't there, or that never were final, or reverted, as the message says. */
const strayFacts = (sql: Sql, { chainId, from, to }: Asked): Promise<Stray[]> =>
  sql<Stray[]>`
    with messages as (
      select *, coalesce(substring(data from '"block_number":([0-9]{1,15})')::float8, ${from}) as block_number
      from outbox where topic = 'escrow-events' and attributes ->> 'chain_id' = ${String(chainId)}
    )
    select event_id, attributes ->> 'fact_id' as fact_id, block_number from messages
    where block_number between ${from} and ${to}
      and not exists (
        select from facts where facts.fact_id::text = messages.attributes ->> 'fact_id' and case messages.attributes ->> 'finality'
          when 'finalized' then finality = 'finalized' or forced
          when 'reverted' then finality = 'reverted' or incarnation > 1
          else true
        end
      )
    order by seq limit ${STRAYS}`

/** A command has the id of its fact's `finalized` message, which may have been forgotten before it: then the fact tells. */
async function strayCommands(sql: Sql, { chainId, from }: Asked): Promise<Stray[]> {
  const rows = await sql<{ event_id: string; escrow: string | null }[]>`
    select event_id, substring(ordering_key from '0x[0-9a-f]{40}$') as escrow from outbox
    where topic = 'settlement-commands' and ordering_key like ${`escrow:${chainId}:%`}
      and not exists (
        select from outbox as said
        where said.topic = 'escrow-events' and said.event_id = outbox.event_id and said.attributes ->> 'finality' = 'finalized'
      )
    order by seq`
  if (rows.length === 0) return []
  const facts = await sql<(Omit<LogPlace, 'chain_id'> & { incarnation: number })[]>`
    select facts.block_hash, transaction_hash, facts.log_index::float8 as log_index, incarnation::float8 as incarnation
    from facts join raw_logs using (fact_id)
    where facts.chain_id = ${chainId} and (finality = 'finalized' or forced)
      and body ->> 'escrow_address' = any (${rows.flatMap(({ escrow }) => escrow ?? [])}::text[])`
  const known = new Set(
    facts.flatMap(({ incarnation: last, ...place }) =>
      Array.from({ length: last }, (_, before) =>
        eventId({ ...place, chain_id: chainId, finality: 'finalized', incarnation: before + 1 })
      )
    )
  )
  const strays = rows.filter(({ event_id }) => !known.has(event_id)).slice(0, STRAYS)
  return strays.map(({ event_id }) => ({ event_id, fact_id: null, block_number: from }))
}

const strayManifests = (sql: Sql, { chainId, from, to }: Asked): Promise<Stray[]> =>
  sql<Stray[]>`
    with messages as (
      select *, coalesce(substring(data from '"from_block":([0-9]{1,15})')::float8, ${from}) as block_number,
        substring(data from '"to_hash":"(0x[0-9a-f]{64})"') as to_hash,
        coalesce(substring(data from '"revision":([0-9]{1,15})')::bigint, 1) as revision
      from outbox where topic = 'chain.ranges.v1' and ordering_key = ${`chain:${chainId}`}
    )
    select event_id, null as fact_id, block_number from messages
    where block_number between ${from} and ${to}
      and not exists (
        select from manifests
        where chain_id = ${chainId} and from_block = messages.block_number::bigint
          and manifests.to_hash = messages.to_hash and manifests.revision = messages.revision
      )
    order by seq limit ${STRAYS}`
