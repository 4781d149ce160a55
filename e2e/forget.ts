import { type Sql, transaction } from '@fusion-prime/postgres'
import { databases, tablesOf, withSql } from './final-state.ts'

/** From a schedule, a migration or the market, and not from the chain: nothing would bring the first two back, and the next price is late. */
const KEPT = ['sanctions_lists', 'audit_head', 'prices', 'price_closes']

/**
 * Empties every table of the consumers, as if they had never got a message; those that are append-only too. Answers the event_ids of
 * what they had published: a message that is on its way just now still arrives, and its outbox row is gone.
 */
export async function forget(urls: Readonly<Record<string, string>>): Promise<ReadonlySet<string>> {
  const forgotten = new Set<string>()
  for (const database of databases) {
    await withSql(urls[database], sql =>
      transaction(sql, async tx => {
        const tables = (await tablesOf(tx)).filter(table => !KEPT.includes(table))
        await tx`lock table outbox in access exclusive mode`
        for (const { event_id } of await tx<{ event_id: string }[]>`select event_id from outbox`)
          forgotten.add(event_id)
        await unguarded(tx, tables, () => tx`truncate ${tx(tables)}`)
        // As its migration left it: of no decision.
        if (database === 'compliance_db')
          await tx`
            update audit_head set count = 0, hash = repeat('0', 64), prev_hash = repeat('0', 64), day = null, prev_day = null`
      })
    )
  }
  return forgotten
}

/** Tables that only ever grow have a trigger that refuses, and nobody's grant: both come back afterwards. */
async function unguarded(tx: Sql, tables: readonly string[], work: () => Promise<unknown>): Promise<void> {
  const guarded = await tx<{ name: string }[]>`
    select distinct relname as name from pg_trigger join pg_class on pg_class.oid = tgrelid
    where not tgisinternal and relname = any (${tables}::text[])`
  for (const { name } of guarded) {
    await tx`grant truncate on ${tx(name)} to current_user`
    await tx`alter table ${tx(name)} disable trigger user`
  }
  await work()
  for (const { name } of guarded) {
    await tx`alter table ${tx(name)} enable trigger user`
    await tx`revoke truncate on ${tx(name)} from current_user`
  }
}
