import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PermanentError } from '@fusion-prime/runtime'
import postgres from 'postgres'
import { createSqlLike, type Sql } from './create-sql.ts'
import { transaction } from './transaction.ts'

/** A folder of migrations `NNNN_<what>.sql`; they are recorded as `<label>/<file>`. */
export type MigrationFolder = { label: string; path: string }

type Migration = { name: string; path: string; text: string; checksum: string }

/** Any number, the same everywhere: whoever migrates this database waits for it. */
const LOCK_KEY = 4_602_711
/** Longer than any migration, and than waiting for another instance's. */
const STATEMENT_MS = 15 * 60_000

/**
 * Applies what is missing, folder by folder and in the order of numbers, each file in a transaction of its own; answers the
 * names applied. Safe to run twice and at once. Throws a PermanentError if an applied file has changed or a file is faulty.
 */
export async function migrate(
  sql: Sql,
  { folders, log }: { folders: readonly MigrationFolder[]; log?: (name: string) => void }
): Promise<{ applied: string[] }> {
  const migrations = (await Promise.all(folders.map(readMigrations))).flat()
  const own = createSqlLike(sql, {
    max: 1,
    applicationName: 'migrate',
    statementTimeoutMs: STATEMENT_MS,
    lockTimeoutMs: STATEMENT_MS
  })
  const applied: string[] = []
  try {
    await createRecord(own)
    for (const migration of migrations) {
      if (!(await apply(own, migration))) continue
      applied.push(migration.name)
      log?.(migration.name)
    }
    return { applied }
  } finally {
    await own.end()
  }
}

async function createRecord(sql: Sql): Promise<void> {
  await transaction(sql, async tx => {
    await tx`select pg_advisory_xact_lock(${LOCK_KEY})`
    await tx`
      create table if not exists schema_migrations (
        name text primary key,
        checksum text not null,
        applied_at timestamptz not null default now()
      )`
  })
}

/** Whether it was applied now; the lock is held to the end of its transaction, so another instance sees either all or nothing. */
async function apply(sql: Sql, { name, path, text, checksum }: Migration): Promise<boolean> {
  return transaction(sql, async tx => {
    await tx`select pg_advisory_xact_lock(${LOCK_KEY})`
    const [before] = await tx<{ checksum: string }[]>`select checksum from schema_migrations where name = ${name}`
    if (before && before.checksum !== checksum) {
      throw new PermanentError(
        `${path} has changed since it was applied as ${name}: restore it and add a new migration.`
      )
    }
    if (before) return false
    // A table that is busy for longer would make all others wait behind this migration.
    await tx`set local lock_timeout = '30s'`
    await tx.unsafe(text).catch(error => {
      throw explain(error, { path, text })
    })
    await tx`insert into schema_migrations (name, checksum) values (${name}, ${checksum})`
    return true
  })
}

/** Names the file and the place for what the server says of the migration itself; lost connections stay as they are. */
function explain(error: unknown, { path, text }: { path: string; text: string }): unknown {
  if (!(error instanceof postgres.PostgresError)) return error
  const before = [...text]
    .slice(0, Number(error.position ?? 1) - 1)
    .join('')
    .split('\n')
  const place = error.position === undefined ? path : `${path}:${before.length}:${(before.at(-1) ?? '').length + 1}`
  const message = `${place}: ${error.message} (SQLSTATE ${error.code})`
  const permanent = /^(22|23|42)/.test(error.code)
  return permanent ? new PermanentError(message, { cause: error }) : new Error(message, { cause: error })
}

async function readMigrations({ label, path: folder }: MigrationFolder): Promise<Migration[]> {
  const files = (await readdir(folder)).filter(file => file.endsWith('.sql')).sort()
  files.forEach((file, index) => {
    if (!/^\d{4}_[a-z0-9_]+\.sql$/.test(file))
      throw new PermanentError(`${join(folder, file)} should be named NNNN_<what>.sql`)
    if (file.slice(0, 4) === files[index - 1]?.slice(0, 4))
      throw new PermanentError(`${folder} has two migrations ${file.slice(0, 4)}`)
  })
  return Promise.all(
    files.map(async file => {
      const path = join(folder, file)
      const text = (await readFile(path, 'utf8')).replaceAll('\r\n', '\n')
      return { name: `${label}/${file}`, path, text, checksum: createHash('sha256').update(text).digest('hex') }
    })
  )
}
