import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EscrowFact, Finality } from '@fusion-prime/events'
import fc from 'fast-check'
import { atLevel, createFact, testAddress } from '../../local/src/testing/facts.ts'
import { type FactHistory, projectEscrow, timelineOf } from './project.ts'

const parties = ['payer', 'payee', 'arbiter', 'successor', 'stranger'].map(testAddress)
const [payer = '', payee = '', arbiter = '', successor = ''] = parties

/** What a store would hold after these messages, in this order: a fact's body is that of the message that came first. */
function historiesOf(messages: readonly EscrowFact[]): FactHistory[] {
  const byFact = Map.groupBy(messages, message => message.fact_id)
  return [...byFact.values()].flatMap(([body, ...rest]) => {
    if (!body) return []
    return {
      body,
      messages: [body, ...rest].map(({ finality, incarnation, forced = false }) => ({ finality, incarnation, forced }))
    }
  })
}

function outcome(messages: readonly EscrowFact[]) {
  const timeline = timelineOf(historiesOf(messages))
  const told = timeline.map(({ body, counts, finality, reverted }) => [body.fact_id, counts, finality, reverted])
  return { state: projectEscrow(timeline), told }
}

const anyAmount = fc.constantFrom('1', '1500000000000000000')
const anyFact = fc.oneof(
  fc
    .constantFrom(null, 0, 1, 2)
    .map(approvals_required => createFact('EscrowDeployed', { payer, payee, arbiter, approvals_required })),
  fc.constantFrom(...parties).map(approver => createFact('ApprovalGranted', { approver })),
  fc.constant(createFact('ArbiterChanged', { old_arbiter: arbiter, new_arbiter: successor })),
  anyAmount.map(amount => createFact('EscrowReleased', { payee, amount })),
  anyAmount.map(amount => createFact('EscrowRefunded', { payer, amount }))
)
const anyMessages = fc.array(
  fc.tuple(
    fc.constantFrom<Finality>('seen', 'safe', 'finalized', 'reverted'),
    fc.integer({ min: 1, max: 3 }),
    fc.boolean()
  ),
  { minLength: 1, maxLength: 6 }
)
/** Facts at places of their own, some on rival blocks of one height, each with all that is said of it. */
const anyLife = fc
  .array(
    fc.tuple(
      anyFact,
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 0, max: 2 }),
      fc.constantFrom('a', 'b'),
      anyMessages
    ),
    {
      minLength: 1,
      maxLength: 8
    }
  )
  .map(rows =>
    rows.flatMap(([fact, block_number, log_index, rival, said], index) => {
      const hash = Buffer.from(`${rival}${block_number}`).toString('hex').padStart(64, '0')
      const transaction = index.toString(16).padStart(64, '0')
      const placed = { ...fact, block_number, log_index, block_hash: `0x${hash}`, transaction_hash: `0x${transaction}` }
      return said.map(([finality, incarnation, forced]) => ({
        ...atLevel(placed, finality, incarnation),
        ...(finality === 'reverted' && { forced })
      }))
    })
  )

test('any order and repetition of the messages gives the same state and timeline', () => {
  const delivered = anyLife.chain(life =>
    fc.tuple(
      fc.constant(life),
      fc.array(fc.nat(), { minLength: life.length * 2, maxLength: life.length * 2 }).map(weights =>
        [...life, ...life.filter((_, index) => (weights[index] ?? 0) % 2 === 0)]
          .map((message, index) => ({ message, weight: weights[index] ?? 0 }))
          .sort((a, b) => a.weight - b.weight)
          .map(({ message }) => message)
      )
    )
  )
  fc.assert(
    fc.property(delivered, ([life, other]) => assert.deepEqual(outcome(other), outcome(life))),
    { numRuns: 500 }
  )
})

test('an escrow has a status of the contract, and is reverted only if no fact counts', () => {
  fc.assert(
    fc.property(anyLife, life => {
      const { state, told } = outcome(life)
      assert.equal(
        state.status === 'reverted',
        told.every(([, counts]) => counts === false)
      )
      assert.equal(state.payer === null, state.status === 'reverted' || state.status === 'incomplete')
    })
  )
})

test('what an escrow costs grows with its facts, not with their square: whoever is arbiter may name another one without end', () => {
  const facts = Array.from({ length: 60_000 }, (_, index) => {
    const body = {
      ...createFact('ArbiterChanged', { old_arbiter: arbiter, new_arbiter: successor }),
      block_number: index + 2
    }
    return { body, messages: [{ finality: 'seen' as const, incarnation: 1, forced: false }] }
  })
  const deployed = createFact('EscrowDeployed', { payer, payee, arbiter })
  const before = process.cpuUsage()
  const { arbiter: last } = projectEscrow(timelineOf([...historiesOf([deployed]), ...facts]))
  assert.equal(last, successor)
  // CPU time, so that a busy machine doesn't matter; copying at each fact all that came before would take far longer.
  assert.ok(process.cpuUsage(before).user < 3_000_000)
})
