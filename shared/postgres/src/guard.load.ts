/* Child process of guard.db.test.ts: loops of transactions and statements, whose outcomes it reports on request. */
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { createSql, type Sql } from './create-sql.ts'
import { transaction } from './transaction.ts'

/** Since the last report: outcomes, loops that had a success, and the longest that a call took or has been pending. */
export type Report = { ok: number; failed: number; active: number; longestMs: number }

export const LOOPS = 20

function load([url = '', kind = '']: string[]): () => Report {
  const bare = kind === 'bare' ? postgres(url, { max: 8 }) : undefined
  const sql = bare ?? createSql({ url, max: 8, applicationName: 'load' })
  const text = 'x'.repeat(2_000)
  const since = Array.from({ length: LOOPS }, () => performance.now())
  const active = new Set<number>()
  let failed = 0
  let ok = 0
  let longestMs = 0

  async function work(tx: Sql): Promise<void> {
    await tx`insert into load (body) values (${text})`
    await Promise.all([tx`select ${1}::int`, tx`select pg_sleep(0.002)`, tx`select ${text}::text`])
    await sleep(1)
    await tx`update load set body = 'y' where body = ${text} and false`
  }

  async function statements(): Promise<void> {
    await Promise.all([sql`select 1`, sql`select ${text}::text`, sql`select pg_sleep(0.001)`])
  }

  async function loop(index: number): Promise<void> {
    for (let turn = index; ; turn++) {
      since[index] = performance.now()
      try {
        if (turn % 3 === 0) await statements()
        else await (bare ? bare.begin(work) : transaction(sql, work))
        ok++
        active.add(index)
      } catch {
        failed++
        await sleep(2)
      }
      longestMs = Math.max(longestMs, performance.now() - (since[index] ?? 0))
    }
  }

  since.forEach((_, index) => void loop(index))
  return () => {
    const now = performance.now()
    const report = {
      ok,
      failed,
      active: active.size,
      longestMs: Math.max(longestMs, ...since.map(start => now - start))
    }
    ok = failed = longestMs = 0
    active.clear()
    return report
  }
}

if (process.send) {
  const report = load(process.argv.slice(2))
  process.on('message', () => process.send?.(report()))
  process.on('disconnect', () => process.exit())
}
