import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AssetState, decide } from './decide.ts'
import { Decimal } from './decimal.ts'

const START = 1_700_000_000_000
const rule = { percent: 10, windowSeconds: 30, confirmAfterMs: 15_000 }

const at = (seconds: number, price: string) => ({ price: new Decimal(price), at: START + seconds * 1000 })

/** Rounds one after another: what became of each price, `=` published, `?` held, `-` superseded. */
function run(rounds: [seconds: number, price: string][]): string {
  let state: AssetState = { sequence: 0, last: undefined, held: undefined }
  return rounds
    .map(([seconds, price]) => {
      const decision = decide(state, at(seconds, price), rule)
      if (decision.outcome === 'superseded') return '-'
      if (decision.outcome === 'publish') assert.equal(decision.state.sequence, state.sequence + 1)
      else assert.equal(decision.state.sequence, state.sequence)
      state = decision.state
      return decision.outcome === 'publish' ? '=' : '?'
    })
    .join('')
}

const stories: [string, [number, string][], string][] = [
  ['the first price is published', [[0, '100']], '='],
  [
    '10 % in 30 s is no jump',
    [
      [0, '100'],
      [30, '110'],
      [60, '99']
    ],
    '==='
  ],
  [
    'a clock that was set back by an hour stops no price',
    [
      [3600, '100'],
      [0, '101'],
      [30, '102']
    ],
    '==='
  ],
  [
    'and lets no jump through',
    [
      [3600, '100'],
      [0, '200'],
      [30, '200']
    ],
    '=?='
  ],
  [
    'a jump is held and confirmed by the next round',
    [
      [0, '100'],
      [30, '120'],
      [60, '119']
    ],
    '=?='
  ],
  [
    'a jump that was an error is forgotten',
    [
      [0, '100'],
      [30, '120'],
      [60, '101'],
      [90, '120']
    ],
    '=?=?'
  ],
  [
    'another jump instead of the held one is held in its turn',
    [
      [0, '100'],
      [30, '120'],
      [60, '150'],
      [90, '151']
    ],
    '=??='
  ],
  [
    'a crash that goes on is published a round late',
    [
      [0, '100'],
      [30, '88'],
      [60, '81'],
      [90, '76']
    ],
    '=?=='
  ],
  [
    'rounds at almost the same time don’t confirm each other',
    [
      [0, '100'],
      [30, '120'],
      [31, '120'],
      [60, '120']
    ],
    '=??='
  ],
  [
    '30.01 s between rounds guard as 30 do',
    [
      [0, '100'],
      [30.01, '120']
    ],
    '=?'
  ],
  [
    'a minute between rounds allows twice as much, and no more',
    [
      [0, '100'],
      [60, '119'],
      [120, '145']
    ],
    '==?'
  ],
  [
    'after an hour there is nothing to compare with',
    [
      [0, '100'],
      [3600, '200']
    ],
    '=='
  ],
  [
    'a price observed earlier than the last one, or at the same time, is dropped',
    [
      [30, '100'],
      [29, '101'],
      [30, '101'],
      [31, '101']
    ],
    '=--='
  ]
]

for (const [name, rounds, expected] of stories) {
  test(name, () => {
    assert.equal(run(rounds), expected)
  })
}

test('a change too small for a double is still exactly compared', () => {
  const state = { sequence: 1, last: at(0, '1000000000000000000'), held: undefined }
  assert.equal(decide(state, at(30, '1100000000000000000'), rule).outcome, 'publish')
  assert.equal(decide(state, at(30, '1100000000000000000.000000000000000001'), rule).outcome, 'hold')
})
