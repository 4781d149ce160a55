import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { Decimal } from '../decimal.ts'
import { healthOf } from '../health/health.ts'
import { type AlertState, bands, nextAlert } from './alerts.ts'
import type { Evaluation } from './margin.ts'

/** An evaluation with this score, exactly; null without debt. */
function scored(score: string | number | null): Evaluation {
  if (score === 'UNPRICEABLE') return { status: 'UNPRICEABLE', unpriceable: ['ETH'] }
  const margin =
    score === null
      ? { collateral: new Decimal(1), borrow: new Decimal(0) }
      : { collateral: new Decimal(score).plus(100), borrow: new Decimal(100) }
  return { ...healthOf(margin), margin }
}

/** The alert of each score of a path, beginning with a user who was never evaluated. */
function alertsAlong(scores: readonly (string | number | null)[]): (string | null)[] {
  let state: AlertState = null
  return scores.map(score => {
    const next = nextAlert(state, scored(score))
    state = next.state
    return next.alert?.event_type ?? null
  })
}

type Vector = { id: string; scores: (string | null)[]; alerts: (string | null)[]; note?: string }
const vectors: Vector[] = JSON.parse(readFileSync(new URL('../../test-vectors/alerts.json', import.meta.url), 'utf8'))
const further: Vector[] = [
  { id: 'jump-over-all', scores: ['60', '5'], alerts: [null, 'liquidation_imminent'] },
  { id: 'jump-then-slide', scores: ['60', '20', '10'], alerts: [null, 'margin_call', 'liquidation_imminent'] },
  { id: 'climbs-out-slowly', scores: ['10', '20', '40', '60'], alerts: ['liquidation_imminent', null, null, null] },
  { id: 'line-50', scores: ['50', '49.999999'], alerts: [null, 'margin_warning'] },
  { id: 'line-15', scores: ['60', '15', '14.999999'], alerts: [null, 'margin_call', 'liquidation_imminent'] },
  { id: 'not-armed', scores: ['60', '29', '31.999999', '29'], alerts: [null, 'margin_call', null, null] },
  { id: 'armed-at-two-points', scores: ['60', '29', '32', '29'], alerts: [null, 'margin_call', null, 'margin_call'] },
  {
    id: 'warned-once',
    scores: ['60', '49', '51.9', '49', '52', '49'],
    alerts: [null, 'margin_warning', null, null, null, 'margin_warning']
  },
  {
    id: 'unpriceable-arms-nothing',
    scores: ['60', '29', 'UNPRICEABLE', '29'],
    alerts: [null, 'margin_call', null, null]
  },
  { id: 'unpriceable-at-first', scores: ['UNPRICEABLE', '45', '20'], alerts: [null, null, 'margin_call'] },
  { id: 'borrows', scores: [null, '45'], alerts: [null, 'margin_warning'] }
]
for (const { id, scores, alerts } of [...vectors, ...further]) {
  test(`${id}: ${scores.join(', ')}`, () => assert.deepEqual(alertsAlong(scores), alerts))
}

const anyScore = fc.integer({ min: -1_000, max: 9_000 }).map(hundredths => hundredths / 100)

test('a falling path from health to liquidation gives each alert that it doesn’t jump over, in order, once', () => {
  fc.assert(
    fc.property(fc.array(anyScore, { minLength: 1, maxLength: 30 }), scores => {
      const falling = [90, ...scores.toSorted((a, b) => b - a), -20]
      const given = alertsAlong(falling).filter(alert => alert !== null)
      const visited = bands.filter((band, index) => {
        const floor = bands[index + 1]?.below ?? -Infinity
        return falling.some(score => score < band.below && score >= floor)
      })
      assert.deepEqual(
        given,
        visited.map(band => band.event_type)
      )
    })
  )
})

test('between two alerts of a kind the score was two points above its line', () => {
  fc.assert(
    fc.property(fc.array(anyScore, { maxLength: 60 }), scores => {
      const alerts = alertsAlong(scores)
      for (const { event_type, below } of bands) {
        const at = alerts.flatMap((alert, index) => (alert === event_type ? index : []))
        at.slice(1).forEach((index, nth) => {
          const between = scores.slice(at[nth], index)
          assert.ok(Math.max(...between) >= below + 2, `${event_type} along ${scores}`)
        })
      }
    })
  )
})

test('every score below a line has been told of since that line was last armed, but a warning at first sight', () => {
  fc.assert(
    fc.property(fc.array(anyScore, { maxLength: 60 }), scores => {
      const alerts = alertsAlong([60, ...scores])
      for (const [depth, { below }] of bands.entries()) {
        const enough: string[] = bands.slice(depth).map(band => band.event_type)
        let told = false
        for (const [index, score] of [60, ...scores].entries()) {
          if (score >= below + 2) told = false
          told ||= enough.includes(alerts[index] ?? '')
          if (score < below) assert.ok(told, `${score} along ${scores}`)
        }
      }
    })
  )
})
