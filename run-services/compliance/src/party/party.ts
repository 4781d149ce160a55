import type { EscrowStatus, StandingFact } from '@fusion-prime/escrow'
import type { EscrowFact } from '@fusion-prime/events'

export type Role = 'payer' | 'payee' | 'arbiter'

/** Someone who was named in an escrow. */
export type Party = { role: Role; address: string }
export type EscrowParty = Party & { chain_id: number; escrow_address: string; status: EscrowStatus }

type Named = { role: Role; address: string | null }

/** Total over the events of the subscription. An approver is a party already, or a stranger. */
const named: { [Type in EscrowFact['event_type']]: (fact: Extract<EscrowFact, { event_type: Type }>) => Named[] } = {
  EscrowDeployed: ({ payer, payee, arbiter }) => [
    { role: 'payer', address: payer },
    { role: 'payee', address: payee },
    { role: 'arbiter', address: arbiter }
  ],
  ApprovalGranted: () => [],
  EscrowReleased: ({ payee }) => [{ role: 'payee', address: payee }],
  EscrowRefunded: ({ payer }) => [{ role: 'payer', address: payer }],
  ArbiterChanged: ({ old_arbiter, new_arbiter }) => [
    { role: 'arbiter', address: old_arbiter },
    { role: 'arbiter', address: new_arbiter }
  ]
}

/** Everyone whom the facts that count name, each role once; a former arbiter stays a party. */
export function partiesOf(timeline: readonly StandingFact[]): Party[] {
  const parties = new Map<string, Party>()
  for (const fact of timeline.filter(one => one.counts))
    for (const { role, address } of namedIn(fact.body))
      if (address !== null) parties.set(`${role} ${address}`, { role, address })
  return [...parties.values()]
}

function namedIn(fact: EscrowFact): Named[] {
  // The map's entry for a fact's own type takes that fact; TypeScript can't tie the two together over a union.
  return (named[fact.event_type] as (fact: EscrowFact) => Named[])(fact)
}
