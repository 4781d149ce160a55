import { subscriptions } from '@fusion-prime/events'
import { createApp } from '@fusion-prime/http'
import { outboxMigrations } from '@fusion-prime/postgres'
import { createTestParts } from '../../../local/src/testing/service.ts'
import { factMigrations } from '../index.ts'
import { compareRows } from './compare-rows.ts'
import { rangeManifests } from './consume.ts'
import type { Derivation } from './derived.ts'
import { rangeRoutes } from './routes.ts'

/** A service whose one table says how many facts each escrow has. */
const derivation: Derivation = {
  tables: { tally: 'escrow' },
  async faults(sql, escrows) {
    const actual = await sql<{ escrow_address: string; facts: number }[]>`
      select escrow_address, facts from tally where escrow_address = any (${escrows.map(one => one.escrow_address)}::text[])`
    const expected = escrows.map(({ escrow_address, timeline }) => ({ escrow_address, facts: timeline.length }))
    const named = { key: (row: { escrow_address: string }) => row.escrow_address, name: () => 'tally' }
    return compareRows({ what: 'escrow', expected, actual, ...named })
  },
  async repair(sql, escrows) {
    const rows = escrows.map(({ timeline, ...key }) => ({ ...key, facts: timeline.length }))
    if (rows.length === 0) return 0
    const written = await sql`
      insert into tally select * from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) as given (chain_id bigint, escrow_address text, facts int)
      on conflict do nothing`
    return written.count
  }
}

/** A service that has nothing but ranges, on a fresh database. */
export async function createRangesApp() {
  const parts = await createTestParts('ranges', [outboxMigrations, factMigrations])
  await parts.sql`create table tally (chain_id bigint, escrow_address text primary key, facts int not null)`
  const app = createApp({ ...parts, name: 'ranges', description: 'a service with facts' })
  app.register(rangeManifests(subscriptions['chain.ranges.v1-settlement'])(parts))
  app.register(rangeRoutes({ sql: parts.sql, derivation }))
  return { parts, app }
}
