import type { Derivation } from '@fusion-prime/escrow'
import { escrowFaults, repairEscrows } from './escrows.ts'
import { ledgerFaults, repairLedger } from './ledger.ts'

/** What settlement derives from facts: the state of escrows, and the ledger. */
export const settlementDerivation: Derivation = {
  tables: { escrows: 'escrow', ledger_transfers: 'ledger' },
  faults: async (sql, escrows) => [...(await escrowFaults(sql, escrows)), ...(await ledgerFaults(sql, escrows))],
  repair: async (sql, escrows) => (await repairEscrows(sql, escrows)) + (await repairLedger(sql, escrows))
}
