import assert from 'node:assert/strict'
import { test } from 'node:test'
import { timelineOf } from '@fusion-prime/escrow'
import { type EscrowFact, uuid8 } from '@fusion-prime/events'
import { atLevel, createFact } from '@fusion-prime/local/testing/facts.ts'
import { balanceFaults, maySettle, planTransfers, settledEntries, standingTransfers, type Transfer } from './ledger.ts'
import { historiesOf } from './lives-fixture.ts'

const deployed = createFact('EscrowDeployed', { block_number: 2, amount: '7', finality: 'finalized' })
const rival = createFact('EscrowDeployed', { block_number: 1, amount: '9', finality: 'finalized' })
const released = createFact('EscrowReleased', { block_number: 4, amount: '8', finality: 'finalized' })
const refunded = createFact('EscrowRefunded', { block_number: 3, finality: 'finalized' })
const forced = (fact: EscrowFact): EscrowFact => ({ ...atLevel(fact, 'reverted'), forced: true })

const { chain_id, escrow_address, payer, payee } = deployed
const roles = new Map([
  [`payer:${chain_id}:${payer}`, 'payer'],
  [`payee:${chain_id}:${payee}`, 'payee'],
  [`escrow:${chain_id}:${escrow_address}`, 'escrow']
])
const tell = ({ kind, debit_account, credit_account, amount }: Omit<Transfer, 'transfer_id'>) =>
  `${kind} ${amount} ${roles.get(debit_account)}→${roles.get(credit_account)}`

const timeline = (facts: readonly EscrowFact[]) => timelineOf(historiesOf(facts))

/** The ledger after these facts, each in a transaction of its own. */
function ledgerAfter(facts: readonly EscrowFact[]): Transfer[] {
  const ledger: Transfer[] = []
  for (const index of facts.keys()) {
    const entries = settledEntries(timeline(facts.slice(0, index + 1)))
    ledger.push(...planTransfers(entries, ledger))
  }
  return ledger
}

const deposit = 'pending 7 payer→escrow'
const cases: { what: string; facts: EscrowFact[]; ledger: string[] }[] = [
  { what: 'nothing is final', facts: [atLevel(deployed, 'seen'), atLevel(released, 'safe')], ledger: [] },
  { what: 'an ending without its deposit', facts: [released], ledger: [] },
  { what: 'a deposit', facts: [deployed], ledger: [deposit] },
  { what: 'an ending that could still go', facts: [deployed, atLevel(released, 'safe')], ledger: [deposit] },
  { what: 'a release', facts: [deployed, released], ledger: [deposit, 'post 7 escrow→payee'] },
  { what: 'a refund', facts: [deployed, refunded], ledger: [deposit, 'void 7 escrow→payer'] },
  { what: 'the ending came first', facts: [released, deployed], ledger: [deposit, 'post 7 escrow→payee'] },
  {
    what: 'a later ending changes nothing',
    facts: [deployed, refunded, released],
    ledger: [deposit, 'void 7 escrow→payer']
  },
  {
    what: 'an earlier ending arrives late',
    facts: [deployed, released, refunded],
    ledger: [deposit, 'post 7 escrow→payee', 'counter 7 payee→escrow', 'void 7 escrow→payer']
  },
  {
    what: 'a plain revert of what is final means nothing',
    facts: [deployed, released, atLevel(released, 'reverted')],
    ledger: [deposit, 'post 7 escrow→payee']
  },
  {
    what: 'the ending is reverted by force',
    facts: [deployed, released, forced(released)],
    ledger: [deposit, 'post 7 escrow→payee', 'counter 7 payee→escrow']
  },
  {
    what: 'the deposit is reverted by force: newest first',
    facts: [deployed, released, forced(deployed)],
    ledger: [deposit, 'post 7 escrow→payee', 'counter 7 payee→escrow', 'counter 7 escrow→payer']
  },
  {
    what: 'reverted by force and final again',
    facts: [deployed, forced(deployed), atLevel(deployed, 'finalized', 2), released],
    ledger: [deposit, 'counter 7 escrow→payer', deposit, 'post 7 escrow→payee']
  },
  {
    what: 'an earlier deployment arrives late: the ending is taken back too, so that the escrow is never negative',
    facts: [deployed, released, rival],
    ledger: [
      deposit,
      'post 7 escrow→payee',
      'counter 7 payee→escrow',
      'counter 7 escrow→payer',
      'pending 9 payer→escrow',
      'post 9 escrow→payee'
    ]
  }
]

for (const { what, facts, ledger } of cases) {
  test(what, () => {
    const transfers = ledgerAfter(facts)
    assert.deepEqual(transfers.map(tell), ledger)
    const entries = settledEntries(timeline(facts))
    assert.deepEqual(standingTransfers(transfers).map(tell), entries.map(tell))
    assert.deepEqual(balanceFaults(transfers, entries), [])
  })
}

test('an id is made of the fact, the kind and how often both came before', () => {
  const { fact_id } = deployed
  const ids = ledgerAfter([deployed, forced(deployed), atLevel(deployed, 'finalized', 2)]).map(one => one.transfer_id)
  assert.deepEqual(ids, [`${fact_id}:pending:1`, `${fact_id}:counter:1`, `${fact_id}:pending:2`].map(uuid8))
})

test('most messages don’t concern the ledger', () => {
  const approved = createFact('ApprovalGranted', { block_number: 2, finality: 'finalized' })
  const seen = atLevel(refunded, 'seen')
  const table: [arrived: EscrowFact, expected: boolean][] = [
    [deployed, true],
    [approved, false],
    [atLevel(released, 'safe'), false],
    [seen, false],
    [forced(released), true],
    [atLevel(deployed, 'reverted'), false]
  ]
  for (const [body, expected] of table) {
    assert.equal(maySettle([{ body }]), expected, `${body.event_type} ${body.finality}`)
  }
})

test('a balance that isn’t due, or was negative in between, is a fault', () => {
  const life = ledgerAfter([deployed, released])
  const [pending, post] = life
  assert.ok(pending && post)
  const entries = settledEntries(timeline([deployed, released]))
  assert.deepEqual(balanceFaults([post, pending], entries), ['ETH was negative (-7)'])
  assert.deepEqual(balanceFaults([pending, { ...post, amount: '6' }], entries), ['ETH is 1 instead of 0'])
  assert.deepEqual(balanceFaults([], entries.slice(0, 1)), ['ETH is 0 instead of 7'])
  const foreign = { ...pending, asset_symbol: 'BTC' }
  assert.deepEqual(balanceFaults([...life, foreign], entries), ['BTC is 7 instead of 0'])
})
