import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type TestDatabase, testDatabase } from '../../local/src/test-database.ts'
import { createSql, type Pool, type Sql } from './create-sql.ts'
import { isConflict, isConnectionFault, isDataFault, transaction } from './transaction.ts'

describe('transaction', () => {
  let database: TestDatabase
  let sql: Pool
  const insert = (tx: Sql, id: number) => tx`insert into items (id) values (${id})`
  const ids = async () => (await sql`select id from items order by id`).map(row => row.id)

  before(async () => {
    database = await testDatabase()
    sql = createSql({ url: database.url, max: 3, applicationName: 'test' })
    await sql`create table items (id int primary key check (id > 0))`
  })
  beforeEach(() => sql`truncate items`)
  after(async () => {
    await sql.end()
    await database.close()
  })

  test('keeps what it did and answers its work’s result', async () => {
    const answer = await transaction(sql, async tx => {
      await insert(tx, 1)
      return 'done'
    })
    assert.equal(answer, 'done')
    assert.deepEqual(await ids(), [1])
  })

  test('undoes all of it when the work throws, and throws the same', async () => {
    const error = new Error('no')
    const attempt = transaction(sql, async tx => {
      await insert(tx, 1)
      throw error
    })
    await assert.rejects(attempt, thrown => thrown === error)
    assert.deepEqual(await ids(), [])
  })

  test('is a savepoint within a transaction', async () => {
    await transaction(sql, async tx => {
      await insert(tx, 1)
      await transaction(tx, async inner => {
        await insert(inner, 2)
        throw new Error('only this')
      }).catch(() => {})
      await transaction(tx, inner => insert(inner, 3))
    })
    assert.deepEqual(await ids(), [1, 3])
  })

  test('refuses statements after its end, which would be outside of any transaction', async () => {
    const slow = async (tx: Sql) => {
      await sleep(50)
      await insert(tx, 2)
    }
    let late: Promise<void> | undefined
    const attempt = transaction(sql, async tx => {
      late = slow(tx)
      late.catch(() => {})
      await insert(tx, -1)
    })
    await assert.rejects(attempt, isDataFault)
    await assert.rejects(late ?? Promise.resolve(), /transaction is over/)
    assert.deepEqual(await ids(), [])
  })

  test('when its connection is lost while it waits for something else, it is undone and stays undone', async () => {
    const other = createSql({ url: database.url, max: 1, applicationName: 'test' })
    const attempt = transaction(sql, async tx => {
      await insert(tx, 1)
      const [{ pid } = {}] = await tx`select pg_backend_pid() as pid`
      await other`select pg_terminate_backend(${pid})`
      await sleep(50)
      // Another caller of the pool must not get, and this one not reach, each other's connection.
      await Promise.all([sql`select 1`, sql`select 2`, sql`select 3`])
      await insert(tx, 2)
    })
    await assert.rejects(attempt, isConnectionFault)
    assert.deepEqual(await ids(), [])
    await transaction(sql, tx => insert(tx, 3))
    assert.deepEqual(await ids(), [3])
    await other.end()
  })

  test('loses no neighbour on a healthy connection when another is lost', async () => {
    const other = createSql({ url: database.url, max: 1, applicationName: 'test' })
    const neighbour = transaction(sql, async tx => {
      await insert(tx, 1)
      await tx`select pg_sleep(0.3)`
      await insert(tx, 2)
    })
    const lost = transaction(sql, async tx => {
      const [{ pid } = {}] = await tx`select pg_backend_pid() as pid`
      await other`select pg_terminate_backend(${pid})`
      await tx`select 1`
    })
    await assert.rejects(lost, isConnectionFault)
    await neighbour
    assert.deepEqual(await ids(), [1, 2])
    await other.end()
  })

  test('a lock that doesn’t come in time and a deadlock are conflicts', async () => {
    const impatient = createSql({ url: database.url, max: 2, applicationName: 'test', lockTimeoutMs: 50 })
    await transaction(sql, async tx => {
      await tx`lock table items`
      await assert.rejects(
        transaction(impatient, other => insert(other, 1)),
        isConflict
      )
    })
    await impatient.end()
    const lock = (tx: Sql, key: number) => tx`select pg_advisory_xact_lock(${key})`
    const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const outcomes = await Promise.allSettled([
      transaction(sql, async tx => {
        await lock(tx, 1)
        first.resolve()
        await second.promise
        await lock(tx, 2)
      }),
      transaction(sql, async tx => {
        await lock(tx, 2)
        second.resolve()
        await first.promise
        await lock(tx, 1)
      })
    ])
    const failed = outcomes.flatMap(one => (one.status === 'rejected' ? [one.reason] : []))
    assert.equal(failed.length, 1)
    assert.ok(isConflict(failed[0]) && !isConnectionFault(failed[0]))
  })

  test('tells faults of data from others', async () => {
    const faults: [string, boolean][] = [
      ['insert into items values (0)', true],
      ['insert into items values (1), (1)', true],
      ["select 'x'::int", true],
      ['select 1/0', true],
      ['select nothing', false]
    ]
    for (const [statement, expected] of faults) {
      const error = await sql.unsafe(statement).then(
        () => assert.fail(statement),
        (thrown: unknown) => thrown
      )
      assert.equal(isDataFault(error), expected, statement)
      assert.equal(isConnectionFault(error), false, statement)
    }
  })

  test('knows faults of connections by their code', () => {
    const codes = [
      'CONNECTION_CLOSED',
      'CONNECTION_DESTROYED',
      'CONNECT_TIMEOUT',
      'ECONNREFUSED',
      'ENOENT',
      '08006',
      '57P01',
      '57P03',
      '53300'
    ]
    for (const code of codes) assert.equal(isConnectionFault(Object.assign(new Error(), { code })), true, code)
    for (const code of ['57014', '40001', '42P01', '23505', 'ERR_OTHER', undefined]) {
      assert.equal(isConnectionFault(Object.assign(new Error(), { code })), false, code)
    }
    assert.equal(isConnectionFault('ECONNREFUSED'), false)
  })
})
