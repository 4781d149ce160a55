import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSql, type Pool } from '@fusion-prime/postgres'
import { type LocalPostgres, startPostgres } from './postgres.ts'
import { nativeFolder, postgresBinaries, unprivilegedAccount } from './postgres-binaries.ts'

const isRoot = process.getuid?.() === 0

async function query<T>(url: string | undefined, work: (sql: Pool) => Promise<T>): Promise<T> {
  const sql = createSql({ url: url ?? '', max: 1, applicationName: 'test' })
  try {
    return await work(sql)
  } finally {
    await sql.end()
  }
}

describe('startPostgres', () => {
  let postgres: LocalPostgres
  before(async () => {
    postgres = await startPostgres({ databases: ['shop', 'bank'] })
  })
  after(() => postgres.stop())

  test('serves PostgreSQL 18 on the loopback address alone, in UTF-8, C collation and UTC', async () => {
    const [row] = await query(
      postgres.adminUrl,
      sql => sql`
        select current_setting('server_version') as version, current_setting('listen_addresses') as listens,
          current_setting('server_encoding') as encoding, current_setting('timezone') as zone,
          (select datcollate from pg_database where datname = 'shop') as collate`
    )
    assert.match(row?.version, /^18\./)
    assert.deepEqual(
      { ...row, version: '' },
      { version: '', listens: '127.0.0.1', encoding: 'UTF8', zone: 'UTC', collate: 'C' }
    )
  })

  test('a role owns its database and can’t enter another’s', async () => {
    await query(postgres.urls.shop, sql => sql`create table private (id int)`)
    const [row] = await query(
      postgres.urls.shop,
      sql => sql`select current_user as role, rolsuper from pg_roles where rolname = current_user`
    )
    assert.deepEqual({ ...row }, { role: 'shop', rolsuper: false })
    for (const other of ['bank', 'postgres', 'template1']) {
      const intruder = postgres.urls.shop?.replace(/\/shop$/, `/${other}`)
      await assert.rejects(
        query(intruder, sql => sql`select 1`),
        { code: '42501' },
        other
      )
    }
    const guess = postgres.urls.shop?.replace('//shop:', '//bank:')
    await assert.rejects(
      query(guess, sql => sql`select 1`),
      { code: '28P01' }
    )
  })

  test('copies a database, which stays with its owner, and drops it while in use', async () => {
    await query(postgres.urls.bank, sql => sql`create table account (id int)`)
    const url = await postgres.createDatabase('bank_copy', { template: 'bank' })
    const user = createSql({ url, max: 1, applicationName: 'test' })
    await user`insert into account values (1)`
    await postgres.dropDatabase('bank_copy')
    assert.equal(postgres.urls.bank_copy, undefined)
    await assert.rejects(user`select 1`)
    await user.end()
    await assert.rejects(postgres.createDatabase('x', { template: 'absent' }), /No database absent/)
    await assert.rejects(postgres.createDatabase('no-good'), /can't name a database/)
  })

  test('comes back on the same port after kill -9, with what was committed', async () => {
    await query(postgres.urls.shop, sql => sql`create table kept as select 1 as id`)
    const { port, pid } = postgres
    await postgres.kill()
    await assert.rejects(
      query(postgres.urls.shop, sql => sql`select 1`),
      { code: 'ECONNREFUSED' }
    )
    await postgres.restart()
    assert.equal(postgres.port, port)
    assert.notEqual(postgres.pid, pid)
    assert.equal((await query(postgres.urls.shop, sql => sql`select from kept`)).length, 1)
  })
})

describe('a data folder', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'data-'))
    await chmod(folder, 0o711)
  })
  after(() => rm(folder, { recursive: true, force: true }))

  test('is kept and opened again with the same URLs, also over a stale lock file', async () => {
    const dataDir = join(folder, 'kept')
    const first = await startPostgres({ dataDir, databases: ['shop'], durable: true })
    await query(first.urls.shop, sql => sql`create table kept as select 1 as id`)
    await first.kill()
    await first.stop()
    // The process id of the killed server, taken by another program.
    const lock = join(dataDir, 'data/postmaster.pid')
    await writeFile(lock, (await readFile(lock, 'utf8')).replace(/^\d+/, String(process.pid)))
    const second = await startPostgres({ dataDir, port: first.port, databases: ['shop', 'more'] })
    assert.equal(second.urls.shop, first.urls.shop)
    assert.equal((await query(second.urls.shop, sql => sql`select from kept`)).length, 1)
    await query(second.urls.more, sql => sql`select 1`)
    await second.stop()
  })

  test('is not served twice at once, nor is a port', async () => {
    const dataDir = join(folder, 'shared')
    const first = await startPostgres({ dataDir, databases: [] })
    await assert.rejects(startPostgres({ databases: [], port: first.port }), /could not bind|in use/)
    await assert.rejects(startPostgres({ dataDir, databases: [] }), /already exists/)
    await first.stop()
  })

  test('is refused if it holds something else, or data of another version', async () => {
    const other = join(folder, 'other')
    await mkdir(other)
    await writeFile(join(other, 'photo.jpg'), '')
    await assert.rejects(
      startPostgres({ dataDir: other, databases: [] }),
      /neither empty nor .*photo\.jpg.*choose another/
    )
    assert.deepEqual(await readdir(other), ['photo.jpg'])
    const old = join(folder, 'old')
    await (await startPostgres({ dataDir: old, databases: [] })).stop()
    await writeFile(join(old, 'data/PG_VERSION'), '17\n')
    await assert.rejects(startPostgres({ dataDir: old, databases: [] }), /PostgreSQL 17, the binaries are 18/)
  })

  test('is made again if making it was interrupted', async () => {
    const dataDir = join(folder, 'half')
    await mkdir(join(dataDir, 'data.new'), { recursive: true })
    await writeFile(join(dataDir, 'data.new/PG_VERSION'), '18\n')
    await writeFile(join(dataDir, 'secret'), 'half')
    await (await startPostgres({ dataDir, databases: ['shop'] })).stop()
  })

  test('below a private folder: root is told what to do', { skip: !isRoot && 'needs root' }, async () => {
    const home = join(folder, 'private')
    await mkdir(home, { mode: 0o700 })
    await assert.rejects(
      startPostgres({ dataDir: join(home, 'data'), databases: [] }),
      /can't enter .*private.*chmod o\+x/
    )
  })
})

test('binaries that can’t be run where they are, and lack their links, are run from a copy', async () => {
  const scratch = await mkdtemp(join(tmpdir(), 'binaries-'))
  await chmod(scratch, 0o711)
  const home = join(scratch, 'home')
  await mkdir(home, { mode: 0o700 })
  const installed = join(home, 'native')
  await cp(nativeFolder(), installed, { recursive: true, filter: path => !/lib(icu\w+|pq)\.so(\.\d+)?$/.test(path) })
  const { bin, major } = await postgresBinaries({ scratch, installed, account: await unprivilegedAccount() })
  assert.equal(bin, join(scratch, 'native/bin'))
  assert.equal(major, '18')
  await rm(scratch, { recursive: true })
})

test('a server ends, and its files go, when the process that started it is killed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'orphan-'))
  await chmod(folder, 0o711)
  const script = join(folder, 'start.mjs')
  const module = JSON.stringify(new URL('postgres.ts', import.meta.url).href)
  await writeFile(
    script,
    `const { startPostgres } = await import(${module}); process.send((await startPostgres({ databases: [] })).adminUrl)`
  )
  const parent = fork(script, { execArgv: [], env: { ...process.env, TMPDIR: folder } })
  const [adminUrl] = await once(parent, 'message')
  await query(adminUrl, sql => sql`select 1`)
  parent.kill('SIGKILL')
  while ((await readdir(folder)).length > 1) await sleep(20)
  await assert.rejects(
    query(adminUrl, sql => sql`select 1`),
    { code: 'ECONNREFUSED' }
  )
  await rm(folder, { recursive: true })
})
