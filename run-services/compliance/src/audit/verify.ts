import { type Sql, transaction } from '@fusion-prime/postgres'
import { GENESIS, linkHash } from './chain.ts'
import type { Link } from './decision.ts'
import { checkAt, type Head, nextLinks, readDays, readHead } from './store.ts'

export type Problem = 'altered' | 'unlinked' | 'missing' | 'head_missing' | 'head_differs' | 'day_differs'

/** The first thing that is wrong: at which place of the chain, and which check was or is there. */
export type Bad = { check_id: string | null; position: number; problem: Problem; detail: string }
export type Report = { ok: boolean; checked: number; first_bad: Bad | null }

/** Links that one statement reads. */
const BATCH = 1_000

/** Goes through the whole chain, of one moment, and compares it with its head and with the head at the end of each day. */
export async function verifyChain(sql: Sql): Promise<Report> {
  return transaction(sql, async tx => {
    await tx`set transaction isolation level repeatable read, read only`
    const head = await readHead(tx)
    const days = Map.groupBy(await readDays(tx), day => day.count)
    let last: Head = { count: 0, hash: GENESIS }
    const report = (bad: Bad | undefined) => ({ ok: !bad, checked: last.count, first_bad: bad ?? null })
    for (;;) {
      const links = await nextLinks(tx, { after: last.count, limit: BATCH })
      for (const link of links) {
        const fault = faultOf(link, last)
        if (fault?.problem === 'missing') return report(await missing(tx, { last, until: link.position - 1 }))
        if (fault) return report({ ...fault, check_id: link.check_id, position: link.position })
        last = { count: link.position, hash: link.hash }
        const differs = dayFault(days.get(last.count), last)
        if (differs) return report({ ...differs, check_id: link.check_id, position: link.position })
      }
      if (links.length < BATCH) break
    }
    return report(await faultAtEnd(tx, { last, head, days: [...days.values()].flat() }))
  })
}

type Day = Head & { day: string }

/** What is wrong with the days that were published with as many decisions as the chain has up to here. */
function dayFault(days: readonly Day[] | undefined, last: Head): { problem: Problem; detail: string } | undefined {
  const wrong = days?.find(day => day.hash !== last.hash)
  return (
    wrong && {
      problem: 'day_differs',
      detail: `the chain’s hash here isn’t the head that was published for ${wrong.day}`
    }
  )
}

/** What is wrong with a link, given the one before. */
export function faultOf(link: Link, before: Head): { problem: Problem; detail: string } | undefined {
  const { check_id, position, decision, prev_hash, hash } = link
  if (position !== before.count + 1) return { problem: 'missing', detail: `${before.count + 1} to ${position - 1}` }
  if (hashOf(link) !== hash || decision.check_id !== check_id)
    return { problem: 'altered', detail: 'the row’s hash is not that of its decision' }
  if (prev_hash !== before.hash)
    return { problem: 'unlinked', detail: 'the row doesn’t follow the one before it: one of the two was replaced' }
  return undefined
}

/** Undefined for what no decision can be, like a number beyond JSON's. */
function hashOf({ prev_hash, decision }: Link): string | undefined {
  try {
    return linkHash(prev_hash, decision)
  } catch {
    return undefined
  }
}

/** The tail is compared with the head and with the days, which a cut would have to be hidden from as well. */
async function faultAtEnd(
  sql: Sql,
  { last, head, days }: { last: Head; head: Head | undefined; days: readonly Day[] }
): Promise<Bad | undefined> {
  const before = dayFault(
    days.filter(day => day.count === 0),
    { count: 0, hash: GENESIS }
  )
  if (before) return { ...before, check_id: null, position: 0 }
  const at = { check_id: null, position: last.count }
  if (!head) return { ...at, problem: 'head_missing', detail: 'the row of the chain’s head is missing' }
  const known = Math.max(head.count, ...days.map(day => day.count))
  if (known > last.count) return missing(sql, { last, until: known })
  if (head.count === last.count && head.hash === last.hash) return undefined
  const detail = `the head says ${head.count} ${head.hash}, the chain ends with ${last.count} ${last.hash}`
  return { ...at, problem: 'head_differs', detail }
}

async function missing(sql: Sql, { last, until }: { last: Head; until: number }): Promise<Bad> {
  const position = last.count + 1
  const which = position === until ? `decision ${position} is` : `decisions ${position} to ${until} are`
  return { check_id: await checkAt(sql, position), position, problem: 'missing', detail: `${which} missing` }
}
