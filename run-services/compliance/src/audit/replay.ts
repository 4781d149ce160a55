import type { Sql } from '@fusion-prime/postgres'
import { decide, type Facts, type Verdict } from '../check/decide.ts'
import { screenBoth } from '../check/facts.ts'
import { RULES_VERSION } from '../check/rules.ts'
import { findKeptList } from '../sanctions/snapshots.ts'
import { canonical } from './chain.ts'
import type { Decision } from './decision.ts'

/** The books of rules by version; an old one stays as long as its decisions. */
const books: ReadonlyMap<string, typeof decide> = new Map([[RULES_VERSION, decide]])

/** `replayed` is null where it can't be decided again: the list or the rules of the time are missing, or not what they were. */
export type Replay = { same: boolean; decision: Decision; replayed: Verdict | null }

/** Decides again from the stored input and facts, screening with the list of the time, by the rules of the time. */
export async function replay(sql: Sql, decision: Decision): Promise<Replay> {
  const { input, facts, rules, status, approved, checks, reasons } = decision
  const sanctions = await screenAgain(sql, decision)
  const book = books.get(rules.version)
  if (!sanctions || !book) return { same: false, decision, replayed: null }
  const replayed = book(input, { facts: { ...facts, sanctions }, limits: rules })
  const same = canonical(replayed) === canonical({ status, approved, checks, reasons })
  return { same, decision, replayed }
}

async function screenAgain(sql: Sql, { input, facts }: Decision): Promise<Facts['sanctions'] | undefined> {
  if (!facts.list) return screenBoth(input, undefined)
  const list = await findKeptList(sql, facts.list)
  return list && screenBoth(input, list)
}
