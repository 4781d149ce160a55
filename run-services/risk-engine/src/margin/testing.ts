import assert from 'node:assert/strict'
import { decodeMessage, type MarginAlert, marginAlerts, type RiskEvent, riskEvents } from '@fusion-prime/events'
import { createTestParts } from '@fusion-prime/local/testing/service.ts'
import { createRiskEngine, migrations } from '../app.ts'
import { createPricePushes } from '../price/testing.ts'

type App = ReturnType<typeof createRiskEngine>

/** Two instances of the service on one database, with a clock that the test sets; and what a test of margins does with them. */
export async function createMarginFixture() {
  const parts = await createTestParts('risk-engine', migrations)
  let time = new Date()
  const now = () => time
  const [app, other] = [createRiskEngine({ ...parts, now }), createRiskEngine({ ...parts, now })]
  const pushOf = createPricePushes(now)

  async function price(prices: Record<string, string>): Promise<void> {
    for (const [asset, usd] of Object.entries(prices))
      assert.equal((await app.inject(pushOf(asset, usd))).statusCode, 204)
  }
  const evaluation = (body: object) => ({ method: 'POST' as const, url: '/api/v1/margin/health', payload: body })
  async function evaluate(body: object, by: App = app) {
    const answer = await by.inject(evaluation(body))
    assert.equal(answer.statusCode, 200, answer.body)
    return answer.json()
  }
  /** Bodies of what was published; each message is checked against the catalogue. */
  function published(topic: typeof marginAlerts | typeof riskEvents) {
    return parts.sent
      .filter(message => message.topic === topic.name)
      .map(message => {
        const decoded = decodeMessage(topic, { ...message, data: String(message.data) })
        if ('fault' in decoded) return assert.fail(decoded.detail)
        return { ...decoded.received, ordering_key: message.ordering_key }
      })
  }
  const alerts = () => published(marginAlerts).map(({ body }) => body as MarginAlert) // of its own topic
  return {
    parts,
    app,
    other,
    pushOf,
    price,
    evaluation,
    evaluate,
    published,
    alerts,
    now,
    /** Watches a user with 1 ETH and 100 USDC of debt: the score is the price of ETH less 100. */
    watch: (user_id: string) =>
      evaluate({ user_id, collateral_positions: { ETH: '1' }, borrow_positions: { USDC: '100' } }),
    /** Scores of those users one after another, by the price of ETH. */
    async score(...scores: number[]): Promise<void> {
      for (const score of scores) await price({ ETH: String(100 + score) })
    },
    async get(url: string, expected = 200) {
      const answer = await app.inject(url)
      assert.equal(answer.statusCode, expected, answer.body)
      return answer.json()
    },
    alertTypes: () => alerts().map(alert => alert.event_type),
    events: () => published(riskEvents).map(({ body }) => body as RiskEvent), // of its own topic
    wait(milliseconds: number): void {
      time = new Date(time.getTime() + milliseconds)
    },
    async reset(): Promise<void> {
      time = new Date()
      parts.sent.length = 0
      await parts.sql`truncate prices, price_closes, processed_events, outbox, margin_watches`
    },
    async close(): Promise<void> {
      await app.close()
      await other.close()
      await parts.close()
    }
  }
}

export type MarginFixture = Awaited<ReturnType<typeof createMarginFixture>>
