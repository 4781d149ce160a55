import type { Sql } from '@fusion-prime/postgres'
import { appendOutbox, transaction } from '@fusion-prime/postgres'
import type { Cause } from '../margin/announce.ts'
import { loadPortfolio, type PortfolioSettings, type Subject } from '../portfolio/load.ts'
import { type Assessment, assess } from '../portfolio/portfolio.ts'
import { VOLATILITY_DAYS } from '../statistics/volatility.ts'
import { applyAssessment } from './assessment.ts'
import { lockStanding, saveAssessment } from './store.ts'

/** Assesses a user's portfolio and keeps the answer; whether something stands in the outbox because of it. */
export async function recordAssessment(
  sql: Sql,
  given: Pick<Subject, 'positions'> & { user_id: string; cause: Cause; settings: PortfolioSettings }
): Promise<{ assessment: Assessment; announced: boolean }> {
  const { user_id, positions, cause, settings } = given
  return transaction(sql, async tx => {
    const before = await lockStanding(tx, user_id)
    const portfolio = await loadPortfolio(
      tx,
      { user_id, positions, borrow: new Map() },
      { ...settings, days: VOLATILITY_DAYS }
    )
    const assessment = assess(portfolio, settings.defaultVolatility)
    const at = settings.now()
    const { after, outgoing } = applyAssessment(before, assessment, { cause, at })
    await saveAssessment(tx, { ...assessment, standing: after, at, correlation_id: cause.correlation_id })
    await appendOutbox(tx, outgoing)
    return { assessment, announced: outgoing.length > 0 }
  })
}
