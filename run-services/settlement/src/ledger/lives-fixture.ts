import type { FactHistory } from '@fusion-prime/escrow'
import type { EscrowFact, Finality } from '@fusion-prime/events'
import { atLevel, createFact, testAddress, testHash } from '@fusion-prime/local/testing/facts.ts'
import fc from 'fast-check'

const [payer, payee, other] = ['payer', 'payee', 'other'].map(testAddress) as [string, string, string] // three names give three addresses

const anyAmount = fc.constantFrom('0', '7', '1500000000000000000', String(2n ** 256n - 1n))

const anyFact = fc.oneof(
  { weight: 2, arbitrary: fc.record({ amount: anyAmount, payee: fc.constantFrom(payee, other) }).map(deployed) },
  { weight: 2, arbitrary: anyAmount.map(amount => createFact('EscrowReleased', { payee, amount })) },
  { weight: 2, arbitrary: anyAmount.map(amount => createFact('EscrowRefunded', { payer, amount })) },
  { weight: 1, arbitrary: fc.constant(createFact('ApprovalGranted', { approver: payer })) }
)

function deployed(values: { amount: string; payee: string }): EscrowFact {
  return createFact('EscrowDeployed', { payer, arbiter: null, ...values })
}

/** What is said of a fact: mostly its way to finality, else anything; each level of an incarnation at most once. */
const anyLevels = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('seen finalized', 'finalized', 'seen', 'seen reverted').map(read) },
  {
    weight: 1,
    arbitrary: fc
      .uniqueArray(
        fc.tuple(fc.constantFrom<Finality>('seen', 'safe', 'finalized', 'reverted'), fc.integer({ min: 1, max: 3 })),
        { minLength: 1, maxLength: 5, selector: String }
      )
      .chain(said => fc.tuple(fc.constant(said), fc.boolean()))
      .map(([said, forced]) => said.map(([finality, incarnation]) => ({ finality, incarnation, forced })))
  }
)

function read(levels: string): { finality: Finality; incarnation: number; forced: boolean }[] {
  // The words above are levels.
  return levels.split(' ').map(level => ({ finality: level as Finality, incarnation: 1, forced: false }))
}

/**
 * All messages about one escrow: rival deployments and endings, endings without a deposit, reverts and forced ones, whatever order the
 * chain would never allow; no two facts share a place.
 */
export const anyLifeOf = (escrow_address: string): fc.Arbitrary<EscrowFact[]> =>
  fc
    .array(fc.tuple(anyFact, fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 2 }), anyLevels), {
      minLength: 1,
      maxLength: 6
    })
    .map(rows =>
      rows.flatMap(([fact, block_number, log_index, levels], index) => {
        const transaction_hash = testHash(`transaction ${index} of ${escrow_address}`)
        const placed = { ...fact, escrow_address, block_number, log_index, transaction_hash }
        return levels.map(({ finality, incarnation, forced }) => ({
          ...atLevel(placed, finality, incarnation),
          ...(finality === 'reverted' && { forced })
        }))
      })
    )

/** The messages in another order, some of them twice, in pieces: how they may be delivered. */
export const deliveriesOf = (messages: readonly EscrowFact[]): fc.Arbitrary<EscrowFact[][]> =>
  fc
    .array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 2 }), fc.boolean()), {
      minLength: messages.length,
      maxLength: messages.length
    })
    .map(choices => {
      const copies = messages.flatMap((message, index) => {
        const [weight, times, ends] = choices[index] ?? [0, 1, false]
        return Array.from({ length: times }, (_, copy) => ({ message, weight: (weight + copy * 977) % 1_000, ends }))
      })
      const pieces: EscrowFact[][] = [[]]
      for (const { message, ends } of copies.sort((a, b) => a.weight - b.weight)) {
        pieces.at(-1)?.push(message)
        if (ends) pieces.push([])
      }
      return pieces.filter(piece => piece.length > 0)
    })

/** What a store holds after these messages; a fact's body is that of the message that came first, a repeated message says nothing new. */
export function historiesOf(messages: readonly EscrowFact[]): FactHistory[] {
  const unique = [...new Map(messages.map(message => [message.event_id, message])).values()]
  const byFact = Map.groupBy(unique, message => message.fact_id)
  return [...byFact.values()].flatMap(([body, ...rest]) => {
    if (!body) return []
    return {
      body,
      messages: [body, ...rest].map(({ finality, incarnation, forced = false }) => ({ finality, incarnation, forced }))
    }
  })
}
