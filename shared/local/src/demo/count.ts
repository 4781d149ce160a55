import { createSql } from '@fusion-prime/postgres'
import { deployables, type ServiceName, serviceNames } from '../deployables.ts'
import type { StackFile } from '../stack-file.ts'

export type ServiceCount = {
  service: ServiceName
  /** Messages that the relayer has for the service, by its subscription's filter. */
  expected: number
  handled: number
  /** Deliveries after the first. */
  duplicates: number
  /** event_ids that the relayer has and the service lacks, and the other way round. */
  missing: string[]
  invented: string[]
}

export type Counts = { published: number; unpublished: number; services: ServiceCount[] }

type Sent = { event_id: string; published: boolean; once: boolean }

/**
 * Compares the relayer's outbox with each service's inbox, id by id. Who was handled before `since` isn't called invented:
 * the relayer forgets what it published long ago, an inbox remembers for longer.
 */
export async function countEvents(stack: StackFile, since = new Date(0)): Promise<Counts> {
  const sent = await query(stack, {
    database: 'relayer_db',
    read: sql => sql<Sent[]>`
      select event_id, published_at is not null as published, attributes->>'first' = 'true' or attributes->>'finality' = 'reverted' as once
      from outbox where topic = 'escrow-events'`
  })
  const services = await Promise.all(serviceNames.map(service => countService(stack, { service, sent, since })))
  return {
    published: sent.filter(one => one.published).length,
    unpublished: sent.filter(one => !one.published).length,
    services
  }
}

async function countService(
  stack: StackFile,
  { service, sent, since }: { service: ServiceName; sent: readonly Sent[]; since: Date }
): Promise<ServiceCount> {
  const handled = await query(stack, {
    database: deployables[service].database,
    read: sql =>
      sql<
        { event_id: string; duplicates: string; recent: boolean }[]
      >`select event_id, duplicates, processed_at >= ${since} as recent from processed_events where topic = 'escrow-events'`
  })
  const expected = new Set(sent.filter(one => service === 'settlement' || one.once).map(one => one.event_id))
  const got = new Set(handled.map(one => one.event_id))
  return {
    service,
    expected: expected.size,
    handled: got.size,
    duplicates: handled.reduce((sum, one) => sum + Number(one.duplicates), 0),
    missing: [...expected.difference(got)],
    invented: handled.filter(one => one.recent && !expected.has(one.event_id)).map(one => one.event_id)
  }
}

async function query<T>(
  { databases }: StackFile,
  { database, read }: { database: string; read(sql: ReturnType<typeof createSql>): Promise<T> }
): Promise<T> {
  const sql = createSql({ url: databases[database], max: 1, applicationName: 'demo' })
  try {
    return await read(sql)
  } finally {
    await sql.end()
  }
}
