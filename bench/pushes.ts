import type { EscrowFact } from '@fusion-prime/events'
import { createFact, pushOf, testAddress } from '../shared/local/src/testing/facts.ts'

/** What the pushes of a round are about. Every one of them tells another fact. */
export type Mix = { name: string; facts(round: number, messages: number): EscrowFact[] }

const HOT_ESCROWS = 20
const FACTS_OF_HOT_ESCROW = 10
const WINDOW = HOT_ESCROWS * FACTS_OF_HOT_ESCROW

export const mixes: readonly Mix[] = [
  {
    name: 'every push another escrow',
    facts: (round, messages) =>
      range(messages).map(index =>
        createFact('EscrowDeployed', { escrow_address: testAddress(`bench ${round} ${index}`) })
      )
  },
  {
    name: `${HOT_ESCROWS} escrows at a time`,
    facts: (round, messages) =>
      range(messages).map(index => {
        const window = Math.floor(index / WINDOW)
        const escrow_address = testAddress(`bench hot ${round} ${window} ${index % HOT_ESCROWS}`)
        const block_number = 1 + Math.floor((index % WINDOW) / HOT_ESCROWS)
        return createFact(block_number === 1 ? 'EscrowDeployed' : 'ApprovalGranted', { escrow_address, block_number })
      })
  }
]

/** The bodies of a round's pushes, as Pub/Sub would send them to settlement. */
export const pushBodies = (facts: readonly EscrowFact[]): string[] =>
  facts.map(fact => JSON.stringify(pushOf('escrow-events-settlement', fact).payload))

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index)
