import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createSql, migrate, outboxMigrations, type Pool } from '@fusion-prime/postgres'
import { createLog } from '@fusion-prime/runtime'
import { type TestDatabase, testDatabase } from '../../local/src/test-database.ts'
import { createApp } from './create-app.ts'
import { createMetrics } from './metrics.ts'
import { createOutboxSweeper } from './outbox-sweeper.ts'
import { maintenanceRoutes } from './service.ts'

let database: TestDatabase
let sql: Pool
before(async () => {
  database = await testDatabase()
  sql = createSql({ url: database.url, max: 3, applicationName: 'test' })
  await migrate(sql, { folders: [outboxMigrations] })
})
after(async () => {
  await sql?.end()
  await database?.close()
})

test('one call forgets all that is old enough, however much that is', async () => {
  await sql`
    insert into processed_events (topic, event_id, digest, processed_at)
    select 't', gen_random_uuid(), 'd', now() - make_interval(days => case when n <= 10001 then 46 else 44 end)
    from generate_series(1, 10003) as n`
  await sql`
    insert into outbox (topic, event_id, ordering_key, data, attributes, published_at)
    select 't', gen_random_uuid(), 'k', '{}'::bytea, '{}', case when n > 1 then now() - make_interval(hours => case when n <= 10001 then 169 else 167 end) end
    from generate_series(1, 10003) as n`
  const log = createLog('shop', { write: () => {} })
  const sweeper = createOutboxSweeper({ sql, publish: async () => [], log })
  const app = createApp({ name: 'shop', description: '', log, sql, metrics: createMetrics(), serviceAuth: undefined })
  app.register(maintenanceRoutes({ sweeper, sql, inboxRetentionDays: 45, outboxRetentionHours: 168 }))
  assert.deepEqual((await app.inject({ method: 'POST', url: '/inbox/prune' })).json(), { pruned: 10_001 })
  assert.equal((await sql`select from processed_events`).length, 2)
  assert.deepEqual((await app.inject({ method: 'POST', url: '/outbox/prune' })).json(), { pruned: 10_000 })
  const [left] = await sql`select count(*)::int as rows, count(published_at)::int as published from outbox`
  assert.deepEqual({ ...left }, { rows: 3, published: 2 })
  await app.close()
})
