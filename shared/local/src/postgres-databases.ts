import { createHmac } from 'node:crypto'
import type { Sql } from '@fusion-prime/postgres'

/** One secret gives every role its own password, so that a kept data directory is opened again with the same URLs. */
export function passwordOf(secret: string, role: string): string {
  return createHmac('sha256', secret).update(role).digest('base64url')
}

/**
 * Creates what is missing of role `name` and database `name`, owned by that role and closed to all others.
 * With `template` the copy belongs to the template's owner, since its tables do. Returns the owner.
 */
export async function ensureDatabase(
  sql: Sql,
  options: { name: string; secret: string; template?: string | undefined }
): Promise<string> {
  const { name, secret, template = 'template1' } = options
  assertName(name)
  assertName(template)
  const owner = options.template === undefined ? name : await ownerOf(sql, template)
  const [role] = await sql`select from pg_roles where rolname = ${owner}`
  if (!role) await sql.unsafe(`create role "${owner}" login password '${passwordOf(secret, owner)}'`)
  const [database] = await sql`select from pg_database where datname = ${name}`
  if (!database) await sql.unsafe(`create database "${name}" owner "${owner}" template "${template}"`)
  await sql.unsafe(`revoke connect, temporary on database "${name}" from public`)
  return owner
}

/** Drops a database, whoever is connected to it, and its role of the same name. Absent ones are no error. */
export async function dropDatabase(sql: Sql, name: string): Promise<void> {
  assertName(name)
  await sql.unsafe(`drop database if exists "${name}" with (force)`)
  await sql.unsafe(`drop role if exists "${name}"`)
}

async function ownerOf(sql: Sql, database: string): Promise<string> {
  const [row] = await sql<{ owner: string }[]>`
    select rolname as owner from pg_database join pg_roles on pg_roles.oid = datdba where datname = ${database}`
  if (!row) throw new Error(`No database ${database} to use as a template; create it first.`)
  return row.owner
}

function assertName(name: string): void {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(name)) {
    throw new Error(`${JSON.stringify(name)} can't name a database: use a-z, 0-9 and _, at most 63 characters.`)
  }
}
