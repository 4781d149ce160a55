import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSql, migrate } from '@fusion-prime/postgres'
import { type DeployableName, deployables, serviceNames } from '../deployables.ts'
import type { StackFile } from '../stack-file.ts'
import { testDatabase } from '../test-database.ts'
import { countEvents } from './count.ts'

const NAMES: readonly DeployableName[] = ['event-relayer', ...serviceNames]
const [forgotten, kept, madeUp] = [1, 2, 3].map(digit => `00000000-0000-8000-8000-00000000000${digit}`)
const BEGIN = new Date('2026-03-01T00:00:00Z')
const before = new Date(BEGIN.getTime() - 1)

test('what the relayer has forgotten since an earlier run isn’t invented; what nobody sent in this run is', async () => {
  await using databases = new AsyncDisposableStack()
  const urls: Record<string, string> = {}
  for (const name of NAMES) {
    const { database, migrations } = deployables[name]
    const { url } = databases.use(await testDatabase())
    urls[database] = url
    const sql = createSql({ url, max: 2, applicationName: 'test' })
    await migrate(sql, { folders: migrations })
    if (name === 'event-relayer') {
      await sql`
        insert into outbox (topic, event_id, ordering_key, attributes, data, published_at)
        values ('escrow-events', ${kept ?? ''}, 'key', '{"first":"true","finality":"seen"}', '{}', now())`
    } else {
      await sql`
        insert into processed_events (topic, event_id, digest, processed_at)
        values ('escrow-events', ${forgotten ?? ''}, '', ${before}), ('escrow-events', ${kept ?? ''}, '', ${BEGIN})`
    }
    await sql.end()
  }
  const stack = { databases: urls } as unknown as StackFile // countEvents reads nothing else
  const faults = async () =>
    (await countEvents(stack, BEGIN)).services.map(({ missing, invented }) => [missing, invented])
  assert.deepEqual(
    await faults(),
    serviceNames.map(() => [[], []])
  )

  const sql = createSql({ url: urls.risk_db, max: 1, applicationName: 'test' })
  await sql`
    insert into processed_events (topic, event_id, digest, processed_at)
    values ('escrow-events', ${madeUp ?? ''}, '', ${BEGIN})`
  await sql.end()
  assert.deepEqual(await faults(), [
    [[], []],
    [[], [madeUp]],
    [[], []]
  ])
})
