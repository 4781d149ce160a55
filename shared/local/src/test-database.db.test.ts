import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSql } from '@fusion-prime/postgres'
import { testDatabase } from './test-database.ts'

test('two test databases are apart, and closing one drops it', async () => {
  await using kept = await testDatabase()
  const closed = await testDatabase()
  const sql = createSql({ url: kept.url, max: 1, applicationName: 'test' })
  const gone = createSql({ url: closed.url, max: 1, applicationName: 'test' })
  await sql`create table only_here (id int)`
  await assert.rejects(gone`select * from only_here`, { code: '42P01' })
  await closed.close()
  await assert.rejects(gone`select 1`)
  await sql`select * from only_here`
  const [role] = await sql`select rolsuper from pg_roles where rolname = current_user`
  assert.equal(role?.rolsuper, false)
  await Promise.all([sql.end(), gone.end()])
})
