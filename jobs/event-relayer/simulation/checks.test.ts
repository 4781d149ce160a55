import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commandMessage, type SettledBody, type Terms } from '../src/command.ts'
import { checkCommands } from './check-commands.ts'
import { checkLives, checkOrder } from './check-lives.ts'
import type { Told } from './check-messages.ts'
import type { Delivery } from './journal.ts'
import { type ModelBlock, makeBlock } from './model-block.ts'
import { deployed } from './model-events.ts'
import { createRandom } from './random.ts'

const TRACE = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
const random = createRandom('checks')
const factory = random.hex(20)
const truth = { chainId: 31337, factories: new Set([factory]) }
const escrow = random.hex(20)

function block(parent: ModelBlock | undefined): ModelBlock {
  const transactions = [{ hash: random.hex(32), logs: [deployed(random, { factory, escrow })] }]
  return makeBlock({ number: (parent?.number ?? 0) + 1, parent, timestamp: 0, transactions, salt: '' }, truth)
}

const one = block(undefined)
const two = block(one)

/** `1 seen` the fact of the first block as seen for the first time; `1 safe` its rise; `#2` another incarnation; `!` forced; `+` first. */
function told(text: string): Told {
  const [, at, first, finality = '', incarnation = '1', forced] = /^(\d)(\+?) (\w+)(?:#(\d))?(!?)$/.exec(text) ?? []
  const [fact] = (at === '1' ? one : two).facts
  if (!fact) throw new Error('a block without a fact')
  return {
    topic: 'escrow-events',
    event_id: text,
    data: '',
    attributes: {},
    ordering_key: escrow,
    at: 0,
    by: 'test',
    fact,
    finality,
    incarnation: Number(incarnation),
    first: first === '+',
    forced: forced === '!'
  }
}

const wellTold = [
  ['1+ seen', '2+ seen', '1 safe', '2 safe', '1 finalized', '2 finalized'],
  ['1+ seen', '1 safe', '2+ safe', '1 finalized'],
  ['1+ seen', '2+ seen', '2 reverted', '1 reverted', '1+ seen#2', '1 safe#2', '1 finalized'],
  ['1+ finalized', '2+ seen']
]

for (const texts of wellTold) {
  test(`well told: ${texts.join(', ')}`, () => {
    const messages = texts.map(told)
    assert.deepEqual([...checkLives(messages, new Set()).violations, ...checkOrder(messages)], [])
  })
}

const badlyTold: [string[], RegExp][] = [
  [['2+ seen', '1+ seen'], /out of order/],
  [['1+ seen', '2+ seen', '2 safe', '1 safe'], /out of order/],
  [['1+ seen', '2+ seen', '1 reverted', '2 reverted'], /not the newest/],
  [['1+ safe', '1 seen'], /did not rise/],
  [['1+ seen', '1+ safe'], /later message says first/],
  [['1 seen'], /first message does not say so/],
  [['1 reverted'], /not told/],
  [['1+ seen', '1 reverted', '1 reverted'], /not told/],
  [['1+ seen', '1 reverted', '1+ safe'], /incarnation is not 2/],
  [['1+ finalized', '1 reverted'], /forced is wrong/],
  [['1+ finalized', '1 reverted!'], /reverted what was final/],
  [['1+ seen', '1 reverted!'], /forced is wrong/]
]

for (const [texts, expected] of badlyTold) {
  test(`badly told: ${texts.join(', ')}`, () => {
    const messages = texts.map(told)
    const violations = [...checkLives(messages, new Set()).violations, ...checkOrder(messages)]
    assert.match(violations.join('\n'), expected)
  })
}

test('where a final block was replaced, it is taken back by force and numbered from then on', () => {
  const messages = ['1+ finalized', '1 reverted!', '1+ seen#2', '1 finalized#2'].map(told)
  assert.deepEqual(checkLives(messages, new Set([one])).violations, [])
})

const source = {
  ...told('1+ finalized'),
  event_id: '0f0e0d0c-0b0a-8908-8706-050403020100',
  attributes: { traceparent: TRACE }
}
const body = one.facts[0]?.body as SettledBody // a deployment
const terms = body as Terms
const command = {
  ...commandMessage({ body, traceparent: TRACE }, { event_id: source.event_id, terms }),
  ...{ at: 0, by: 'test' }
}
const altered = { ...command, data: command.data.replace('"payer":"0x', '"payer":"0x0') }
const commands: [what: string, deliveries: Delivery[], finds: string[]][] = [
  ['one', [command], []],
  ['one, delivered again', [command, command], []],
  ['none', [], ['lost']],
  ['another one', [altered], ['wrong']],
  ['another one the second time', [command, altered], ['doubled', 'wrong']],
  ['one too many', [command, { ...command, event_id: 'other' }], ['invented']]
]
for (const [what, deliveries, finds] of commands) {
  test(`commands that follow from a final deployment: ${what}`, () => {
    const found = checkCommands(deliveries, [source, told('2+ seen')])
    assert.deepEqual(
      found.map(violation => violation.split(':')[0]),
      finds
    )
  })
}
