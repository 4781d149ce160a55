import type { Sql } from '@fusion-prime/postgres'

/** Changes rows of the ledger as only its owner can: takes back the rights, and the trigger away, for as long as it takes. */
export async function tamper(sql: Sql, change: (sql: Sql) => Promise<unknown>): Promise<void> {
  await sql`grant update, delete on ledger_transfers to current_user`
  await sql`alter table ledger_transfers disable trigger user`
  await change(sql)
  await sql`alter table ledger_transfers enable trigger user`
  await sql`revoke update, delete on ledger_transfers from current_user`
}
