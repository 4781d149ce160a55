import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { PermanentError } from '@fusion-prime/runtime'
import { type TestDatabase, testDatabase } from '../../local/src/test-database.ts'
import { createSql, createSqlLike, type Pool } from './create-sql.ts'

describe('createSql', () => {
  let database: TestDatabase
  let sql: Pool

  before(async () => {
    database = await testDatabase()
    sql = createSql({ url: database.url, max: 3, applicationName: 'shop', statementTimeoutMs: 300, lockTimeoutMs: 100 })
  })
  after(async () => {
    await sql.end()
    await database.close()
  })

  test('keeps every digit of int8 and numeric', async () => {
    const [row] =
      await sql`select 9007199254740993::int8 as big, ${'1'.repeat(78)}::numeric(78,0) as amount, 7::int4 as small`
    assert.deepEqual({ ...row }, { big: '9007199254740993', amount: '1'.repeat(78), small: 7 })
  })

  test('takes and gives arrays of the built-in types', async () => {
    const texts = ['a', 'b,"c"\\ {d}', '']
    const [row] = await sql`
      select ${texts}::text[] as texts, ${['12', null]}::numeric[] as amounts, ${[1, 2]}::int[] as ints, ${[]}::uuid[] as empty,
        array[true, null] as flags, array['2026-01-02T03:04:05Z'::timestamptz] as times, array[array[1], array[2]] as nested,
        array['{"a":1}'::jsonb] as documents, ${sql.array(texts)}::text[] as wrapped`
    assert.deepEqual(
      { ...row },
      {
        texts,
        amounts: ['12', null],
        ints: [1, 2],
        empty: [],
        flags: [true, null],
        times: [new Date('2026-01-02T03:04:05Z')],
        nested: [[1], [2]],
        documents: [{ a: 1 }],
        wrapped: texts
      }
    )
    const joined = await sql`select * from unnest(${['a', 'b']}::text[], ${['1', '2']}::bigint[]) as t (name, n)`
    assert.deepEqual(
      [...joined],
      [
        { name: 'a', n: '1' },
        { name: 'b', n: '2' }
      ]
    )
  })

  test('limits statements and waits for locks, and names its connections', async () => {
    await assert.rejects(sql`select pg_sleep(5)`, { code: '57014' })
    await sql`create table locked (id int)`
    await sql.begin(async tx => {
      await tx`lock table locked`
      await assert.rejects(sql`select * from locked`, { code: '55P03' })
    })
    const [row] = await sql`select current_setting('application_name') as name`
    assert.equal(row?.name, 'shop')
  })

  test('createSqlLike differs in what it is told only', async () => {
    const other = createSqlLike(sql, { applicationName: 'other', max: 1 })
    const [row] =
      await other`select current_setting('application_name') as name, current_setting('statement_timeout') as timeout`
    assert.deepEqual({ ...row }, { name: 'other', timeout: '300ms' })
    await other.end()
  })

  test('connects through a socket’s folder, as Cloud SQL gives it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cloudsql-'))
    const { hostname, port } = new URL(database.url)
    const bridge = createServer(client => {
      const server = connect(Number(port), hostname)
      client.pipe(server).pipe(client)
    })
    await new Promise<void>(resolve => bridge.listen(join(folder, '.s.PGSQL.5432'), resolve))
    const url = `${database.url.replace(/@[^/]+\//, '@/')}?host=${encodeURIComponent(folder)}`
    const throughSocket = createSql({ url, max: 1, applicationName: 'test' })
    const [row] = await throughSocket`select current_database() as name`
    assert.equal(`/${row?.name}`, new URL(database.url).pathname)
    await throughSocket.end()
    await new Promise(resolve => bridge.close(resolve))
    await rm(folder, { recursive: true })
  })

  test('without a URL follows the PG* variables', async t => {
    const { hostname, port, username, password, pathname } = new URL(database.url)
    const variables = {
      PGHOST: hostname,
      PGPORT: port,
      PGUSER: username,
      PGPASSWORD: password,
      PGDATABASE: pathname.slice(1)
    }
    const before = { ...process.env }
    t.after(() => {
      process.env = before
    })
    Object.assign(process.env, variables)
    const fromEnvironment = createSql({ max: 1, applicationName: 'test' })
    const [row] = await fromEnvironment`select current_user as name`
    assert.equal(row?.name, username)
    await fromEnvironment.end()
  })

  for (const [what, url, message] of [
    ['another protocol', 'mysql://a@b/c', /starts with postgres:/],
    ['TLS', 'postgres://a@b/c?sslmode=require', /TLS to Postgres is not supported/],
    ['a parameter that it would not obey', 'postgres://a@b/c?pool_size=3', /Unknown parameter pool_size/],
    ['a port that isn’t one', 'postgres://a:hunter2@b:99999/c', /can’t be read/],
    ['a password that isn’t percent-encoded', 'postgres://a:%hunter2@b/c', /can’t be read/]
  ] as const) {
    test(`refuses ${what}, for good, and quotes no password`, () => {
      assert.throws(
        () => createSql({ url, max: 1, applicationName: 'test' }),
        (error: unknown) =>
          error instanceof PermanentError && message.test(error.message) && !String(error.stack).includes('hunter2')
      )
    })
  }
})
