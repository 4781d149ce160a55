import { setTimeout as sleep } from 'node:timers/promises'
import { createSql } from '@fusion-prime/postgres'
import type { Stack } from '../stack.ts'
import { type Answer, look, post } from './rest.ts'

/** Owes 3,100 USDC against 1 ETH. */
export const BORROWER = 'demo-borrower'

/** USD for 1 ETH at the start: a jump, which the oracle believes when it finds it again. */
const START = '4800'
/** Then health falls below 50, 30 and 15. */
const FALL = ['4400', '4100', '3941.34', '3600', '3500']
const STEP_MS = 30_000

export type MarginStep = { price: string; health_score: unknown; status: unknown }

/** Lets the price of the borrower's collateral fall step by step; each step waits until risk-engine has it. */
export async function playMargin({ file, market }: Stack, onStep: (step: MarginStep) => void): Promise<void> {
  const health = `${file.services['risk-engine']}/api/v1/margin/health`
  const borrower = {
    user_id: BORROWER,
    collateral_positions: { ETH: '1' },
    borrow_positions: { USDC: '3100' }
  }

  async function reach(price: string, evaluate: () => Promise<Answer | undefined>): Promise<void> {
    await market.setPrice('ETH', price)
    for (const late = performance.now() + STEP_MS; performance.now() < late; await sleep(100)) {
      const margin = await evaluate()
      if (margin?.total_collateral_usd !== price) continue
      return onStep({ price, health_score: margin.health_score, status: margin.status })
    }
    throw new Error(`ETH at ${price} USD did not reach risk-engine within ${STEP_MS / 1000} s`)
  }

  await reach(START, () => post(health, { ...borrower, monitor: false }))
  await post(health, borrower)
  for (const price of FALL) await reach(price, () => look(`${health}/${BORROWER}`))
}

export type Alert = { seq: number; event_type: string }

/** The alerts about the borrower that risk-engine sent after another one, in their order. */
export async function readAlerts({ databases }: Stack['file'], after = 0): Promise<Alert[]> {
  const sql = createSql({ url: databases.risk_db, max: 1, applicationName: 'demo' })
  try {
    return await sql<Alert[]>`
      select seq::int as seq, attributes->>'event_type' as event_type from outbox
      where topic = 'alerts.margin.v1' and ordering_key = ${BORROWER} and seq > ${after} order by seq`
  } finally {
    await sql.end()
  }
}

/** What a fall through all thresholds gives: one alert for each. */
export const expectedAlerts: readonly string[] = ['margin_warning', 'margin_call', 'liquidation_imminent']
