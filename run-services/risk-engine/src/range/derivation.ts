import { compareRows, type Derivation, type EscrowTimeline, projectEscrow } from '@fusion-prime/escrow'
import type { Sql } from '@fusion-prime/postgres'
import { type Position, positionsOf } from '../position/position.ts'

const positionsIn = (escrows: readonly EscrowTimeline[]): Position[] =>
  escrows.flatMap(({ timeline }) => positionsOf(projectEscrow(timeline)))

/** What the risk engine derives from facts: the positions of open escrows. */
export const riskDerivation: Derivation = {
  tables: { positions: 'position' },
  async faults(sql, escrows) {
    return compareRows<Position>({
      what: 'position',
      expected: positionsIn(escrows),
      actual: await loadPositions(sql, escrows),
      key: ({ escrow_address, role }) => `${escrow_address} ${role}`,
      name: ({ role, address }) => `position of the ${role} ${address}`
    })
  },
  async repair(sql, escrows) {
    const written = await sql`
      insert into positions (chain_id, escrow_address, role, address, asset_symbol, amount, status, finality)
      select chain_id, escrow_address, role, address, asset_symbol, amount, status, finality
      from jsonb_to_recordset(${JSON.stringify(positionsIn(escrows))}::text::jsonb) as given (
        chain_id bigint, escrow_address text, role text, address text, asset_symbol text, amount numeric, status text, finality text
      )
      on conflict (chain_id, escrow_address, role) do nothing`
    return written.count
  }
}

type Named = { chain_id: number; escrow_address: string }

/** The chain as a number: chain ids were checked to be safe integers. */
const loadPositions = (sql: Sql, keys: readonly Named[]): Promise<Position[]> => sql<Position[]>`
  select chain_id::float8 as chain_id, escrow_address, role, address, asset_symbol, amount, status, finality
  from positions
  where (chain_id, escrow_address) in (
    select * from unnest(${keys.map(key => key.chain_id)}::bigint[], ${keys.map(key => key.escrow_address)}::text[])
  )`
