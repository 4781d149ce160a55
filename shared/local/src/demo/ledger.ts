import { createSql, transaction } from '@fusion-prime/postgres'
import { auditLedger } from '@fusion-prime/settlement/audit'
import type { StackFile } from '../stack-file.ts'

/** What `npm run audit -- ledger` finds. */
export type LedgerState = { escrows: number; transfers: number; faults: string[] }

export async function readLedger({ databases }: StackFile): Promise<LedgerState> {
  const sql = createSql({ url: databases.settlement_db, max: 1, applicationName: 'demo' })
  const faults: string[] = []
  try {
    return await transaction(sql, async tx => {
      await tx`set transaction isolation level repeatable read`
      const { escrows, assets } = await auditLedger(tx, {
        onFault: ({ fault, escrow_address, detail }) => void faults.push(`${fault} ${escrow_address ?? ''}: ${detail}`)
      })
      const transfers = [...assets.values()].reduce((sum, asset) => sum + asset.transfers, 0)
      return { escrows, transfers, faults }
    })
  } finally {
    await sql.end()
  }
}
