import { appendOutbox, transaction } from '@fusion-prime/postgres'
import { newTraceparent } from '@fusion-prime/runtime'
import { expireCases, type KycDeps, screenCase } from '../kyc/cases.ts'
import { findUnscreened } from '../kyc/store.ts'
import type { SanctionsList } from '../sanctions/list.ts'
import { findUnannounced, newMatches } from './matches.ts'
import { addProgress, finish, type Progress, startRescreening } from './progress.ts'
import { type ScreenDeps, screen } from './screen.ts'
import { takeDue } from './store.ts'

export type RescreenDeps = KycDeps & ScreenDeps

/** Addresses per transaction, and names per look: each name has a transaction of its own. */
const ADDRESSES = 500
const NAMES = 100
/** Well below a request's time. */
const RUN_MS = 20_000

export type Rescreening = {
  /** Screens by the list in force what it didn't screen yet, until nothing is left or 20 s are over; undefined without a list. */
  run(): Promise<Progress | undefined>
  /** Ends after the batch that is under way. */
  stop(): Promise<void>
}

/**
 * Screens every party and every name again when the list changes. What is left is found in the tables, so that it goes on after a
 * crash, two instances share the work, and what an instance with an older list adds meanwhile isn't missed. It also
 * writes down which verifications are over.
 */
export function createRescreening(deps: RescreenDeps): Rescreening {
  const { sql, sanctions, now, log } = deps
  let running: Promise<Progress | undefined> | undefined
  let stopping = false

  async function run(): Promise<Progress | undefined> {
    const until = performance.now() + RUN_MS
    const list = sanctions.current()
    if (!list) return undefined
    let progress = await startRescreening(sql, { list, at: now() })
    for (;;) {
      const done =
        (await screenAddresses(deps, list)) +
        (await announceMissed(deps, list)) +
        (await screenNames(deps, list)) +
        (await expireCases(deps, actOf(deps, list)))
      if (done === 0) break
      if (stopping || performance.now() > until) return addProgress(sql, { list, addresses: 0, names: 0, matches: 0 })
    }
    const isFirst = progress.finished_at === null
    progress = await finish(sql, { list, at: now() })
    if (isFirst) log.info(progress, 'rescreening_finished')
    return progress
  }

  return {
    run() {
      running ??= run().finally(() => {
        running = undefined
      })
      return running
    },
    async stop() {
      stopping = true
      await running?.catch(() => undefined)
    }
  }
}

/** One batch, in one transaction with its progress. */
async function screenAddresses(deps: RescreenDeps, list: SanctionsList): Promise<number> {
  return transaction(deps.sql, async tx => {
    const addresses = await takeDue(tx, { ...list, limit: ADDRESSES })
    if (addresses.length === 0) return 0
    const sanctions = { ...deps.sanctions, current: () => list }
    const { matches } = await screen(tx, { ...deps, sanctions, addresses })
    await addProgress(tx, { list, addresses: addresses.length, names: 0, matches })
    return addresses.length
  })
}

/** Parties that came while their address was screened; answers of how many addresses. */
async function announceMissed({ sql, now, log }: RescreenDeps, list: SanctionsList): Promise<number> {
  return transaction(sql, async tx => {
    const addresses = await findUnannounced(tx, ADDRESSES)
    if (addresses.length === 0) return 0
    const messages = await newMatches(tx, { addresses, escrows: [], at: now(), log })
    await appendOutbox(tx, messages)
    await addProgress(tx, { list, addresses: 0, names: 0, matches: messages.length })
    return addresses.length
  })
}

const actOf = ({ now }: RescreenDeps, { sha256 }: SanctionsList) => ({
  actor: 'compliance',
  at: now(),
  correlation_id: `rescreening:${sha256.slice(0, 16)}`,
  traceparent: newTraceparent()
})

async function screenNames(deps: RescreenDeps, list: SanctionsList): Promise<number> {
  const caseIds = await findUnscreened(deps.sql, { ...list, limit: NAMES })
  let names = 0
  let matches = 0
  for (const case_id of caseIds) {
    const { screened, found } = await screenCase(deps, { case_id, list, act: actOf(deps, list) })
    if (screened) names += 1
    if (found) matches += 1
  }
  if (names > 0) await addProgress(deps.sql, { list, addresses: 0, names, matches })
  return caseIds.length
}
