import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Finality } from '@fusion-prime/events'
import fc from 'fast-check'
import { type FactMessage, type Level, lowestLevel, type Standing, standingOf } from './standing.ts'

/** `seen`, `safe#2`; a forced revert is `forced` or `forced#2`. */
function message(text: string): FactMessage {
  const [operation = '', incarnation = '1'] = text.split('#')
  const forced = operation === 'forced'
  // The tables below name levels only.
  return { finality: forced ? 'reverted' : (operation as Finality), incarnation: Number(incarnation), forced }
}
const messages = (texts: string): FactMessage[] => texts.split(' ').map(message)

const counts = (finality: Level): Standing => ({ counts: true, reverted: false, finality })
const reverted = (finality: Level): Standing => ({ counts: false, reverted: true, finality })

const table: [what: string, said: string, standing: Standing][] = [
  ['a fact starts at its first level', 'seen', counts('seen')],
  ['… also at a higher one', 'safe', counts('safe')],
  ['… or at the last', 'finalized', counts('finalized')],
  ['levels rise', 'seen safe', counts('safe')],
  ['… and a level is kept when a lower one is told later', 'finalized safe seen', counts('finalized')],
  ['a revert takes the fact away; the level that it had stays known', 'seen reverted', reverted('seen')],
  ['a revert may follow safe', 'seen safe reverted', reverted('safe')],
  ['a revert may arrive before what it reverts', 'reverted', reverted('seen')],
  ['… which then doesn’t count', 'reverted safe', reverted('safe')],
  ['a reverted block that comes back starts its facts anew', 'seen reverted seen#2', counts('seen')],
  ['… at the level of that incarnation', 'seen safe reverted seen#2', counts('seen')],
  ['… and it may rise again', 'seen reverted seen#2 safe#2', counts('safe')],
  ['… or be reverted again', 'seen reverted seen#2 reverted#2', reverted('seen')],
  ['… and come back again: A, B, A, B, A', 'seen reverted seen#2 reverted#2 seen#3', counts('seen')],
  ['the revert of an earlier incarnation may be late', 'seen#2 reverted', counts('seen')],
  ['… as may the start of the reverted one', 'reverted#2 seen seen#2 reverted', reverted('seen')],
  ['a second incarnation counts though nothing is known of the first', 'safe#2', counts('safe')],
  ['finalized says incarnation 1, whatever came before', 'seen reverted seen#2 finalized', counts('finalized')],
  [
    '… and holds against any revert that is told later',
    'finalized seen reverted seen#2 reverted#2',
    counts('finalized')
  ],
  ['a forced revert may follow finalized', 'seen finalized forced', reverted('finalized')],
  ['… and arrive before it', 'forced finalized', reverted('finalized')],
  [
    '… and be of a later incarnation, though finalized says 1',
    'seen reverted seen#2 finalized forced#2',
    reverted('finalized')
  ],
  ['a forced revert may find the fact below finality', 'safe forced', reverted('safe')],
  ['after it the fact may start anew', 'finalized forced seen#2', counts('seen')],
  ['… be reverted as any other', 'finalized forced seen#2 reverted#2', reverted('seen')],
  ['… become final with its real incarnation', 'finalized forced seen#2 finalized#2', counts('finalized')],
  ['… even if nothing between is known', 'finalized#2 forced', counts('finalized')],
  ['… and be reverted by force again', 'finalized forced finalized#2 forced#2', reverted('finalized')],
  ['… which a third incarnation survives', 'finalized forced finalized#2 forced#2 safe#3', counts('safe')]
]

describe('whether a fact counts', () => {
  for (const [what, said, standing] of table) {
    test(`${what}: ${said}`, () => assert.deepEqual(standingOf(messages(said)), standing))
  }
})

test('any order and any repetition of what was said gives one answer', () => {
  const anyMessages = fc
    .array(
      fc.tuple(fc.constantFrom('seen', 'safe', 'finalized', 'reverted', 'forced'), fc.integer({ min: 1, max: 4 })),
      {
        minLength: 1,
        maxLength: 8
      }
    )
    .map(said => said.map(([operation, incarnation]) => message(`${operation}#${incarnation}`)))
  const shuffled = anyMessages.chain(said =>
    fc.tuple(
      fc.constant(said),
      fc.shuffledSubarray([...said, ...said], { minLength: said.length }).map(part => [...part, ...said].reverse())
    )
  )
  fc.assert(fc.property(shuffled, ([said, other]) => assert.deepEqual(standingOf(other), standingOf(said))))
})

test('the lowest level of facts', () => {
  assert.equal(lowestLevel(['finalized', 'safe', 'finalized']), 'safe')
  assert.equal(lowestLevel(['safe', 'seen', 'finalized']), 'seen')
  assert.equal(lowestLevel(['finalized']), 'finalized')
})
