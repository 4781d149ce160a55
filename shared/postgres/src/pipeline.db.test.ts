import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type TestDatabase, testDatabase } from '../../local/src/test-database.ts'
import { createSql, type Pool, type Sql } from './create-sql.ts'
import { createPipeline } from './pipeline.ts'
import { transaction } from './transaction.ts'

describe('statements that are sent without waiting', () => {
  let database: TestDatabase
  let sql: Pool
  before(async () => {
    database = await testDatabase()
    sql = createSql({ url: database.url, max: 1, applicationName: 'test' })
    await sql`create table steps (position int generated always as identity, id int primary key)`
  })
  beforeEach(() => sql`truncate steps restart identity`)
  after(async () => {
    await sql.end()
    await database.close()
  })

  const insert = async (tx: Sql, id: number) => void (await tx`insert into steps (id) values (${id})`)
  const ids = async () => (await sql`select id from steps order by position`).map(row => row.id)

  test('are carried out in the order of sending, while earlier ones still run', async () => {
    let slow = true
    await transaction(sql, async tx => {
      const pipeline = createPipeline()
      await pipeline.send((async () => void (await tx`select pg_sleep(0.3)`))().finally(() => (slow = false)))
      for (const id of [3, 1, 2]) await pipeline.send(insert(tx, id))
      assert.ok(slow, 'sending waited for the answer')
      await pipeline.done()
    })
    assert.deepEqual(await ids(), [3, 1, 2])
  })

  test('the first fault is told, whatever failed after it, and nothing is kept', async () => {
    const attempt = transaction(sql, async tx => {
      const pipeline = createPipeline()
      for (const id of [1, 1, 2, 3]) await pipeline.send(insert(tx, id))
      await pipeline.done()
    })
    await assert.rejects(attempt, { code: '23505' })
    assert.deepEqual(await ids(), [])
    await insert(sql, 7)
    assert.deepEqual(await ids(), [7])
  })

  test('work that throws beside a failing statement rolls back, and no rejection is left behind', async () => {
    const attempt = transaction(sql, async tx => {
      const pipeline = createPipeline()
      for (const id of [1, 1]) await pipeline.send(insert(tx, id))
      throw new Error('given up')
    })
    await assert.rejects(attempt, /given up/)
    assert.deepEqual(await ids(), [])
  })
})
