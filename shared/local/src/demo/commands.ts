import { look, post } from './rest.ts'

/** A command as settlement tells it, less what the demo doesn't show. */
export type CommandRow = {
  command_id: string
  command_type: string
  account_ref: string
  payee: string
  escrow_address: string | null
  status: string
  reason: string | null
  resolution: { to: string; reason: string } | null
}

/** Every command that settlement has. */
export async function readCommands(settlement: string): Promise<CommandRow[]> {
  const rows: CommandRow[] = []
  let cursor = ''
  do {
    const page = await look(`${settlement}/commands?limit=200${cursor && `&cursor=${cursor}`}`)
    if (!page) return []
    rows.push(...(page.items as CommandRow[])) // as settlement's OpenAPI document has them
    cursor = typeof page.next_cursor === 'string' ? page.next_cursor : ''
  } while (cursor)
  return rows
}

/** Who takes part in what settlement has to decide. Addresses in lower case. */
export type Roles = {
  /** Verified; for all others KYC is missing. */
  known: ReadonlySet<string>
  /** Owes more than all escrows are worth. */
  indebted: string
  sanctioned: string
}

/** How a command must come out at first, and why. */
export function expectedOutcome(
  { payee, account_ref }: Pick<CommandRow, 'payee' | 'account_ref'>,
  { known, indebted, sanctioned }: Roles
): { status: string; reason: string | null } {
  if (payee === sanctioned) return { status: 'rejected', reason: 'compliance_rejected' }
  if (!known.has(account_ref)) return { status: 'held', reason: 'compliance_review' }
  if (account_ref === indebted) return { status: 'held', reason: 'risk_high' }
  return { status: 'processed', reason: null }
}

/** How it must stand in the end: an operator lets those of unknown payers pass, and refuses the indebted one's. */
export function resolutionOf({ account_ref }: Pick<CommandRow, 'account_ref'>, { known }: Roles) {
  if (!known.has(account_ref)) return { to: 'processed', reason: 'the payer was identified by other means' }
  return { to: 'rejected', reason: 'the payer owes too much' }
}

/** What an operator does about a held command. */
export async function resolveHeld(settlement: string, { command, roles }: { command: CommandRow; roles: Roles }) {
  await post(`${settlement}/commands/${command.command_id}/resolution`, resolutionOf(command, roles))
}

/** What is wrong with the commands, in words. */
export function commandFaults(
  commands: readonly CommandRow[],
  { roles, wanted }: { roles: Roles; wanted: number }
): string[] {
  const faults = commands.flatMap(command => {
    const expected = expectedOutcome(command, roles)
    const status = expected.status === 'held' ? resolutionOf(command, roles).to : expected.status
    if (command.status === status) return []
    return `command ${command.command_type} of ${command.escrow_address} is ${command.status} (${command.reason}) instead of ${status}`
  })
  if (commands.length !== wanted) faults.push(`settlement has ${commands.length} commands instead of ${wanted}`)
  return faults
}
