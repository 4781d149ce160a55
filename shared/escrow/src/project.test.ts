import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { EscrowFact, Finality } from '@fusion-prime/events'
import { createFact, testAddress } from '../../local/src/testing/facts.ts'
import { type Escrow, type FactHistory, projectEscrow, timelineOf } from './project.ts'

const payer = testAddress('payer')
const payee = testAddress('payee')
const arbiter = testAddress('arbiter')
const successor = testAddress('successor')
const stranger = testAddress('stranger')
const amount = '1500000000000000000'

/** A fact at a place, `3` or `3.1` (block and log), with the levels that it reached. */
function told(at: number, fact: EscrowFact, ...levels: Finality[]): FactHistory {
  const [block_number, log_index] = [Math.floor(at), Math.round((at % 1) * 10)]
  const body = createFact(fact.event_type, { ...fact, ...hashes, block_number, log_index })
  const reached = levels.length > 0 ? levels : (['seen'] as const)
  return { body, messages: reached.map(finality => ({ finality, incarnation: 1, forced: false })) }
}
const hashes = { block_hash: `0x${'b1'.repeat(32)}`, transaction_hash: `0x${'7a'.repeat(32)}` }

const deployed = createFact('EscrowDeployed', { payer, payee, arbiter, amount, approvals_required: 2 })
const approvedBy = (approver: string) => createFact('ApprovalGranted', { approver })
const released = createFact('EscrowReleased', { payee, amount })
const refunded = createFact('EscrowRefunded', { payer, amount })
const arbiterChanged = createFact('ArbiterChanged', { old_arbiter: arbiter, new_arbiter: successor })
const deployment = told(1, deployed)

type Row = [what: string, facts: FactHistory[], state: Partial<Escrow>]
function table(title: string, rows: Row[]): void {
  describe(title, () => {
    for (const [what, facts, expected] of rows) {
      test(what, () => {
        // The table's rows name fields of an escrow.
        const names = Object.keys(expected) as (keyof Escrow)[]
        for (const order of [facts, [...facts].reverse()]) {
          const state = projectEscrow(timelineOf(order))
          assert.deepEqual(Object.fromEntries(names.map(name => [name, state[name]])), expected)
        }
      })
    }
  })
}

table('status', [
  ['deployed: funded', [deployment], { status: 'funded', approvals: [], anomalies: [] }],
  [
    'one of two approvals',
    [deployment, told(2, approvedBy(payer))],
    { status: 'partially_approved', approvals: [payer] }
  ],
  [
    'two of two',
    [deployment, told(2, approvedBy(payee)), told(3, approvedBy(payer))],
    { status: 'approved', approvals: [payee, payer] }
  ],
  [
    'approvals count distinct approvers',
    [deployment, told(2, approvedBy(payer)), told(3, approvedBy(payer))],
    { status: 'partially_approved', approvals: [payer], anomalies: [] }
  ],
  [
    'two approvals in one transaction',
    [deployment, told(2, approvedBy(payer)), told(2.1, approvedBy(arbiter))],
    { status: 'approved', approvals: [payer, arbiter] }
  ],
  [
    'a number of approvals that nobody knows is never reached',
    [
      told(1, { ...deployed, approvals_required: null }),
      ...[payer, payee, arbiter].map((one, at) => told(2 + at, approvedBy(one)))
    ],
    { status: 'partially_approved', approvals: [payer, payee, arbiter], approvals_required: null }
  ],
  [
    'none required, none given: funded',
    [told(1, { ...deployed, approvals_required: 0 })],
    { status: 'funded', approvals_required: 0 }
  ],
  ['released', [deployment, told(2, released)], { status: 'released', anomalies: [] }],
  ['refunded', [deployment, told(2, refunded)], { status: 'refunded', anomalies: [] }],
  [
    'released after its approvals, which stay known',
    [deployment, told(2, approvedBy(payer)), told(3, released)],
    { status: 'released', approvals: [payer] }
  ]
])

table('what can’t be is recorded, never refused', [
  [
    'another amount is released',
    [deployment, told(2, { ...released, amount: '1' })],
    { status: 'released', amount, anomalies: ['release_amount_differs'] }
  ],
  [
    'another amount is refunded',
    [deployment, told(2, { ...refunded, amount: '0' })],
    { status: 'refunded', amount, anomalies: ['refund_amount_differs'] }
  ],
  [
    'a second ending: the first ends the fold',
    [deployment, told(2, refunded), told(3, released)],
    { status: 'refunded', anomalies: ['second_ending'] }
  ],
  [
    'the same ending twice',
    [deployment, told(2, released), told(2.1, released)],
    { status: 'released', anomalies: ['second_ending'] }
  ],
  [
    'the amount of a second ending doesn’t matter',
    [deployment, told(2, released), told(3, { ...refunded, amount: '1' })],
    { status: 'released', anomalies: ['second_ending'] }
  ],
  [
    'a stranger approves: not counted',
    [deployment, told(2, approvedBy(stranger))],
    { status: 'funded', approvals: [], anomalies: ['approval_by_stranger'] }
  ],
  [
    'a code is listed once, codes by name',
    [
      deployment,
      ...[1, 2].map(at => told(1 + at, approvedBy(stranger))),
      told(4, { ...released, amount: '1' }),
      told(5, refunded)
    ],
    { anomalies: ['approval_by_stranger', 'release_amount_differs', 'second_ending'] }
  ],
  [
    'an approval after the end changes nothing',
    [deployment, told(2, released), told(3, approvedBy(payer))],
    { status: 'released', approvals: [], anomalies: [] }
  ]
])

table('who the arbiter is, at that point', [
  ['the arbiter approves', [deployment, told(2, approvedBy(arbiter))], { approvals: [arbiter], anomalies: [] }],
  ['a new arbiter', [deployment, told(2, arbiterChanged)], { arbiter: successor, status: 'funded', anomalies: [] }],
  [
    'the new one approves after the change',
    [deployment, told(2, arbiterChanged), told(3, approvedBy(successor))],
    { approvals: [successor], anomalies: [] }
  ],
  [
    '… not before it',
    [deployment, told(2, approvedBy(successor)), told(3, arbiterChanged)],
    { approvals: [], anomalies: ['approval_by_stranger'] }
  ],
  [
    'the old one approves before the change',
    [deployment, told(2, approvedBy(arbiter)), told(3, arbiterChanged)],
    { approvals: [arbiter], anomalies: [] }
  ],
  [
    '… not after it',
    [deployment, told(2, arbiterChanged), told(3, approvedBy(arbiter))],
    { approvals: [], anomalies: ['approval_by_stranger'] }
  ],
  [
    'within a block the log index decides',
    [deployment, told(2, approvedBy(successor)), told(2.1, arbiterChanged)],
    { approvals: [], anomalies: ['approval_by_stranger'] }
  ],
  [
    'without one, nobody is it',
    [told(1, { ...deployed, arbiter: null }), told(2, approvedBy(arbiter))],
    { arbiter: null, anomalies: ['approval_by_stranger'] }
  ],
  ['a change after the end changes nothing', [deployment, told(2, released), told(3, arbiterChanged)], { arbiter }]
])

table('the deployment is the base wherever its log stands', [
  [
    'after an approval in its own transaction',
    [told(1.3, deployed), told(1, approvedBy(payer))],
    { status: 'partially_approved', approvals: [payer] }
  ],
  ['after the release', [told(1.3, deployed), told(1, released)], { status: 'released', payer, amount }],
  ['after a change of the arbiter', [told(1.3, deployed), told(1, arbiterChanged)], { arbiter: successor }]
])

const nothing = {
  payer: null,
  payee: null,
  arbiter: null,
  amount: null,
  asset_symbol: null,
  factory_address: null,
  approvals_required: null
}
table('without a deployment that counts', [
  [
    'facts without it: incomplete',
    [told(2, released, 'finalized')],
    { status: 'incomplete', finality: 'finalized', approvals: [], anomalies: [], ...nothing }
  ],
  [
    'it was reverted, and nothing else is known',
    [told(1, deployed, 'seen', 'reverted')],
    { status: 'reverted', finality: 'seen', ...nothing }
  ],
  [
    'all was reverted',
    [told(1, deployed, 'safe', 'reverted'), told(2, released, 'seen', 'reverted')],
    { status: 'reverted', finality: 'seen' }
  ],
  ['the revert arrived alone', [told(1, deployed, 'reverted')], { status: 'reverted' }],
  [
    'it was reverted, another fact wasn’t yet',
    [told(1, deployed, 'seen', 'reverted'), told(2, approvedBy(payer), 'safe')],
    { status: 'incomplete', finality: 'safe' }
  ]
])

table('a reverted fact is as if it had never been', [
  ['a release', [deployment, told(2, released, 'seen', 'reverted')], { status: 'funded', anomalies: [] }],
  [
    'the first of two endings',
    [deployment, told(2, refunded, 'seen', 'reverted'), told(3, released)],
    { status: 'released', anomalies: [] }
  ],
  [
    'one of two approvals',
    [deployment, told(2, approvedBy(payer), 'safe', 'reverted'), told(3, approvedBy(payee))],
    { approvals: [payee], status: 'partially_approved' }
  ],
  [
    'a change of the arbiter',
    [deployment, told(2, arbiterChanged, 'reverted'), told(3, approvedBy(arbiter))],
    { arbiter, anomalies: [] }
  ]
])

table('finality is the lowest level of the facts that made the state', [
  ['the deployment alone', [told(1, deployed, 'seen', 'safe')], { finality: 'safe' }],
  [
    'an approval that is only seen',
    [told(1, deployed, 'finalized'), told(2, approvedBy(payer), 'seen')],
    { finality: 'seen' }
  ],
  ['all final', [told(1, deployed, 'finalized'), told(2, released, 'seen', 'finalized')], { finality: 'finalized' }],
  [
    'what didn’t count made nothing',
    [told(1, deployed, 'finalized'), told(2, approvedBy(stranger), 'seen')],
    { finality: 'finalized' }
  ],
  [
    'nor did what was reverted',
    [told(1, deployed, 'finalized'), told(2, released, 'seen', 'reverted')],
    { finality: 'finalized' }
  ],
  [
    'nor a second ending',
    [told(1, deployed, 'finalized'), told(2, released, 'finalized'), told(3, refunded)],
    { finality: 'finalized' }
  ]
])

test('the state says what the deployment says', () => {
  const { chain_id, escrow_address, factory_address, asset_symbol } = deployed
  const parties = { payer, payee, arbiter, amount, asset_symbol, approvals_required: 2 }
  const fold = { approvals: [], status: 'funded', finality: 'seen', anomalies: [] }
  assert.deepEqual(projectEscrow(timelineOf([deployment])), {
    chain_id,
    escrow_address,
    factory_address,
    ...parties,
    ...fold
  })
})

test('the timeline has one entry per fact, in chain order, reverted ones with the level that they had', () => {
  const facts = [
    told(10, released, 'seen', 'safe', 'reverted'),
    told(2.2, approvedBy(payer)),
    deployment,
    told(2.1, approvedBy(payee))
  ]
  const entries = timelineOf(facts).map(({ body, finality, reverted }) => [
    body.block_number,
    body.log_index,
    finality,
    reverted
  ])
  assert.deepEqual(entries, [
    [1, 0, 'seen', false],
    [2, 1, 'seen', false],
    [2, 2, 'seen', false],
    [10, 0, 'safe', true]
  ])
})

test('within a block, logs are in the order of their indexes', () => {
  const logs = timelineOf([5, 3, 8, 1, 9].map(index => told(2 + index / 10, released))).map(fact => fact.body.log_index)
  assert.deepEqual(logs, [1, 3, 5, 8, 9])
})

test('an escrow without facts has no state', () => assert.throws(() => projectEscrow([]), /without facts/))
