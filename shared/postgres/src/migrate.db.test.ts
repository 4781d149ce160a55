import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { PermanentError } from '@fusion-prime/runtime'
import { type TestDatabase, testDatabase } from '../../local/src/test-database.ts'
import { createSql, type Pool } from './create-sql.ts'
import { migrate } from './migrate.ts'

describe('migrate', () => {
  let database: TestDatabase
  let sql: Pool
  let path: string
  const folders = () => [{ label: 'shop', path }]
  const write = (file: string, text: string) => writeFile(join(path, file), text)

  before(async () => {
    database = await testDatabase()
    sql = createSql({ url: database.url, max: 2, applicationName: 'test' })
  })
  after(async () => {
    await sql.end()
    await database.close()
  })
  beforeEach(async () => {
    await sql`drop schema public cascade`
    await sql`create schema public`
    path = await mkdtemp(join(tmpdir(), 'migrate-'))
    await write('0001_orders.sql', 'create table orders (id int);\ninsert into orders values (1);\n')
    await write('0002_column.sql', "alter table orders add column note text not null default '';\n")
  })

  afterEach(() => rm(path, { recursive: true }))

  test('applies what is missing, in order, once', async () => {
    const logged: string[] = []
    const names = ['shop/0001_orders.sql', 'shop/0002_column.sql']
    assert.deepEqual(await migrate(sql, { folders: folders(), log: name => logged.push(name) }), { applied: names })
    assert.deepEqual(logged, names)
    assert.deepEqual(await migrate(sql, { folders: folders() }), { applied: [] })
    await write('0003_more.sql', 'insert into orders values (2)')
    assert.deepEqual(await migrate(sql, { folders: folders() }), { applied: ['shop/0003_more.sql'] })
    assert.deepEqual(
      [...(await sql`select id, note from orders order by id`)],
      [
        { id: 1, note: '' },
        { id: 2, note: '' }
      ]
    )
  })

  test('runs at once in several instances without applying anything twice', async () => {
    await write('0003_slow.sql', 'select pg_sleep(0.05); insert into orders values (3)')
    const runs = await Promise.all([1, 2, 3, 4].map(() => migrate(sql, { folders: folders() })))
    assert.equal(runs.flatMap(run => run.applied).length, 3)
    assert.equal((await sql`select from orders`).length, 2)
  })

  test('refuses an applied file that has changed, but not its line ends', async () => {
    await migrate(sql, { folders: folders() })
    await write('0001_orders.sql', 'create table orders (id int);\r\ninsert into orders values (1);\r\n')
    assert.deepEqual(await migrate(sql, { folders: folders() }), { applied: [] })
    await write('0001_orders.sql', 'create table orders (id bigint)')
    await assert.rejects(migrate(sql, { folders: folders() }), {
      name: 'PermanentError',
      message: /0001_orders\.sql has changed since it was applied as shop\/0001_orders\.sql/
    })
  })

  test('names file, line and column of a fault, and undoes that file alone', async () => {
    await write('0003_fault.sql', "insert into orders values (7);\n-- “é”\nselect 'ü', nothing from orders;\n")
    await assert.rejects(migrate(sql, { folders: folders() }), error => {
      assert.ok(error instanceof PermanentError)
      assert.match(error.message, /0003_fault\.sql:3:13: column "nothing" does not exist \(SQLSTATE 42703\)/)
      return true
    })
    assert.equal((await sql`select from orders`).length, 1)
    assert.equal((await sql`select from schema_migrations`).length, 2)
  })

  test('outlives the statement timeout of the pool that it is given', async () => {
    const hasty = createSql({
      url: database.url,
      max: 1,
      applicationName: 'test',
      statementTimeoutMs: 20,
      lockTimeoutMs: 10
    })
    await write('0003_slow.sql', 'select pg_sleep(0.2)')
    assert.equal((await migrate(hasty, { folders: folders() })).applied.length, 3)
    await hasty.end()
  })

  for (const [file, message] of [
    ['3_orders.sql', /should be named NNNN_/],
    ['0002_other.sql', /two migrations 0002/]
  ] as const) {
    test(`refuses the name ${file}`, async () => {
      await write(file, 'select 1')
      await assert.rejects(migrate(sql, { folders: folders() }), message)
    })
  }

  test('keeps folders apart by their labels', async () => {
    const other = await mkdtemp(join(tmpdir(), 'migrate-'))
    await writeFile(join(other, '0001_orders.sql'), 'create table other (id int)')
    const { applied } = await migrate(sql, { folders: [...folders(), { label: 'other', path: other }] })
    assert.deepEqual(applied, ['shop/0001_orders.sql', 'shop/0002_column.sql', 'other/0001_orders.sql'])
    await rm(other, { recursive: true })
  })
})
