import { compareRows, type Derivation, type EscrowTimeline, type Fault, projectEscrow } from '@fusion-prime/escrow'
import type { Sql } from '@fusion-prime/postgres'
import { type EscrowParty, partiesOf } from '../party/party.ts'
import { type ScreenDeps, screen } from '../screening/screen.ts'
import { judge } from '../screening/screening.ts'
import { findScreenings } from '../screening/store.ts'

/** What compliance derives from facts: the parties of escrows, and a screening of each. */
export const complianceDerivation = (deps: ScreenDeps): Derivation => ({
  tables: { escrow_parties: 'party' },
  faults: async (sql, escrows) => [
    ...(await partyFaults(sql, escrows)),
    ...(await screeningFaults(sql, { escrows, list: deps.sanctions.current() }))
  ],
  async repair(sql, escrows) {
    const parties = partiesIn(escrows)
    const inserted = await insertParties(sql, parties)
    const unscreened = await unscreenedOf(sql, addressesOf(parties))
    // The escrow of a party that was lost may never have been announced as one with a match.
    await screen(sql, { ...deps, addresses: [...inserted, ...unscreened], escrows })
    return inserted.length + unscreened.length
  }
})

const partiesIn = (escrows: readonly EscrowTimeline[]): EscrowParty[] =>
  escrows.flatMap(({ chain_id, escrow_address, timeline }) => {
    const { status } = projectEscrow(timeline)
    return partiesOf(timeline).map(party => ({ chain_id, escrow_address, status, ...party }))
  })

const partyFaults = async (sql: Sql, escrows: readonly EscrowTimeline[]): Promise<Fault[]> =>
  compareRows<EscrowParty>({
    what: 'party',
    expected: partiesIn(escrows),
    actual: await loadParties(sql, escrows),
    key: ({ escrow_address, role, address }) => `${escrow_address} ${role} ${address}`,
    name: ({ role, address }) => `${role} ${address}`
  })

/** Parties that were never screened, and verdicts that the list they name doesn't give. One by another list is due again, not wrong. */
async function screeningFaults(
  sql: Sql,
  { escrows, list }: { escrows: readonly EscrowTimeline[]; list: Parameters<typeof judge>[1] }
): Promise<Fault[]> {
  const parties = partiesIn(escrows)
  const screenings = new Map((await findScreenings(sql, addressesOf(parties))).map(one => [one.address, one]))
  const named = new Map(
    parties.map(({ escrow_address, address }) => [`${escrow_address} ${address}`, { escrow_address, address }])
  )
  return [...named.values()].flatMap(({ escrow_address, address }): Fault[] => {
    const found = screenings.get(address)
    const fault = { what: 'screening', escrow_address } as const
    if (!found) return [{ ...fault, kind: 'missing', detail: `screening of ${address}` }]
    const verdict = judge(address, list)
    if (found.list_sha256 === null || found.list_sha256 !== verdict.list_sha256) return []
    if (found.result === verdict.result && found.list === verdict.list) return []
    const detail = `screening of ${address}: result is ${found.result}, list ${found.list_version} gives ${verdict.result}`
    return [{ ...fault, kind: 'altered', detail }]
  })
}

const addressesOf = (parties: readonly EscrowParty[]): string[] => [...new Set(parties.map(party => party.address))]

async function unscreenedOf(sql: Sql, addresses: readonly string[]): Promise<string[]> {
  const screened = new Set((await findScreenings(sql, addresses)).map(one => one.address))
  return addresses.filter(address => !screened.has(address))
}

/** Answers the addresses of those that were missing. */
async function insertParties(sql: Sql, parties: readonly EscrowParty[]): Promise<string[]> {
  const inserted = await sql<{ address: string }[]>`
    insert into escrow_parties (chain_id, escrow_address, role, address, status)
    select chain_id, escrow_address, role, address, status
    from jsonb_to_recordset(${JSON.stringify(parties)}::text::jsonb) as given (
      chain_id bigint, escrow_address text, role text, address text, status text
    )
    on conflict (chain_id, escrow_address, role, address) do nothing
    returning address`
  return inserted.map(({ address }) => address)
}

type Named = { chain_id: number; escrow_address: string }

/** The chain as a number: chain ids were checked to be safe integers. */
const loadParties = (sql: Sql, keys: readonly Named[]): Promise<EscrowParty[]> => sql<EscrowParty[]>`
  select chain_id::float8 as chain_id, escrow_address, role, address, status from escrow_parties
  where (chain_id, escrow_address) in (
    select * from unnest(${keys.map(key => key.chain_id)}::bigint[], ${keys.map(key => key.escrow_address)}::text[])
  )`
