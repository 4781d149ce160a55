import { type Sql, transaction } from '@fusion-prime/postgres'
import type { Act } from '../kyc/move.ts'
import { announceDay } from './announce.ts'
import { dayOf, GENESIS } from './chain.ts'
import { type Head, lockHead, readDays } from './store.ts'

const DAY_MS = 86_400_000

/**
 * Announces the head at the end of yesterday (UTC), if it wasn't; a day without decisions has the head of the day before. A decision that
 * was timed before midnight and chained after it belongs to the new day.
 */
export async function publishYesterday(sql: Sql, act: Act): Promise<Head & { day: string }> {
  const day = dayOf(new Date(act.at.getTime() - DAY_MS))
  return transaction(sql, async tx => {
    const head = await lockHead(tx)
    if (!head) throw new Error('the head of the decisions’ chain is missing: restore the row of audit_head')
    const published = (await readDays(tx)).filter(one => one.day <= day).at(-1)
    const isOver = head.day === null || head.day <= day
    const { count, hash } = isOver && published?.day !== day ? head : (published ?? { count: 0, hash: GENESIS })
    await announceDay(tx, { day, count, hash, act })
    return { day, count, hash }
  })
}
