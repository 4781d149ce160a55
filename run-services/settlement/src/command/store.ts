import type { Received, SettlementCommand } from '@fusion-prime/events'
import type { Sql } from '@fusion-prime/postgres'
import type { Decision } from './command.ts'

type CommandFields = Omit<SettlementCommand, 'event_id' | 'event_type' | 'schema_version'>

export type NewCommand = CommandFields & { digest: string; correlation_id: string; traceparent: string }

/** A checked message as the command that it carries. */
export function newCommand({
  body,
  digest,
  correlation_id,
  traceparent
}: Received<SettlementCommand> & { traceparent: string }): NewCommand {
  return { ...body, digest, correlation_id, traceparent }
}

export type CommandStatus = 'received' | Decision['status']

export type Resolution = { to: 'processed' | 'rejected'; reason: string; resolved_by: string; resolved_at: string }

/** A command as it is stored, with what was found out about it, and what an operator decided. */
export type Command = NewCommand &
  Pick<Decision, 'reason' | 'risk' | 'compliance'> & {
    status: CommandStatus
    held_count: number
    /** Loaded by findCommand and listCommands only. */
    resolution: Resolution | null
    created_at: string
    updated_at: string
  }

/** Adds commands that aren't there yet, ids in sorted order; answers the ids of those that were added. */
export async function insertCommands(sql: Sql, commands: readonly NewCommand[]): Promise<Set<string>> {
  const rows = await sql<{ command_id: string }[]>`
    insert into settlement_commands (
      command_id, command_type, workflow_id, account_ref, asset_symbol, amount, payer, payee, escrow_address, chain_id, source_event_id,
      digest, correlation_id, traceparent
    )
    select command_id, command_type, workflow_id, account_ref, asset_symbol, amount, payer, payee, escrow_address, chain_id, source_event_id,
      digest, correlation_id, traceparent
    from jsonb_to_recordset(${JSON.stringify(commands)}::text::jsonb) as given (
      command_id uuid, command_type text, workflow_id text, account_ref text, asset_symbol text, amount numeric, payer text, payee text,
      escrow_address text, chain_id bigint, source_event_id uuid, digest text, correlation_id text, traceparent text
    )
    order by command_id
    on conflict (command_id) do nothing
    returning command_id`
  return new Set(rows.map(row => row.command_id))
}

/** The digests of commands that are there, by id. */
export async function loadDigests(sql: Sql, ids: readonly string[]): Promise<Map<string, string>> {
  const rows = await sql<{ command_id: string; digest: string }[]>`
    select command_id, digest from settlement_commands where command_id = any (${ids}::uuid[])`
  return new Map(rows.map(row => [row.command_id, row.digest]))
}

/** Locks commands, ids in sorted order, until the transaction ends. */
export async function lockCommands(sql: Sql, ids: readonly string[]): Promise<Command[]> {
  const rows = await sql<StoredCommand[]>`
    select * from settlement_commands where command_id = any (${ids}::uuid[]) order by command_id for update`
  return rows.map(fromRow)
}

const withResolution = (sql: Sql) => sql`
  select command.*, case when resolved_to is not null then jsonb_build_object(
    'to', resolved_to, 'reason', resolution.reason, 'resolved_by', resolved_by,
    'resolved_at', to_char(resolved_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
  ) end as resolution
  from settlement_commands as command left join command_resolutions as resolution using (command_id)`

export async function findCommand(sql: Sql, id: string): Promise<Command | undefined> {
  const [row] = await sql<StoredCommand[]>`${withResolution(sql)} where command_id = ${id}`
  return row && fromRow(row)
}

export type CommandQuery = {
  status: CommandStatus | undefined
  accountRef: string | undefined
  before: { created_at: string; command_id: string } | undefined
  limit: number
}

/** A page of commands, newest first. */
export async function listCommands(sql: Sql, { status, accountRef, before, limit }: CommandQuery): Promise<Command[]> {
  const rows = await sql<StoredCommand[]>`
    ${withResolution(sql)}
    where true
      ${status === undefined ? sql`` : sql`and status = ${status}`}
      ${accountRef === undefined ? sql`` : sql`and account_ref = ${accountRef}`}
      ${before ? sql`and (created_at, command_id) < (${before.created_at}::timestamptz, ${before.command_id}::uuid)` : sql``}
    order by created_at desc, command_id desc
    limit ${limit}`
  return rows.map(fromRow)
}

/** Writes down what an operator decided; it can't be changed afterwards. */
export async function insertResolution(
  sql: Sql,
  resolution: Omit<Resolution, 'resolved_at'> & { command_id: string; held_reason: string; correlation_id: string }
): Promise<void> {
  const { command_id, held_reason, to, reason, resolved_by, correlation_id } = resolution
  await sql`
    insert into command_resolutions (command_id, held_reason, resolved_to, reason, resolved_by, correlation_id)
    values (${command_id}, ${held_reason}, ${to}, ${reason}, ${resolved_by}, ${correlation_id})`
}

export async function countHeld(sql: Sql): Promise<number> {
  const [row] = await sql<{ held: number }[]>`
    select count(*)::int as held from settlement_commands where status = 'held'`
  return row?.held ?? 0
}

/** The database's clock. */
export async function databaseTime(sql: Sql): Promise<string> {
  const [row] = await sql<{ time: string }[]>`select clock_timestamp()::text as time`
  return row?.time ?? ''
}

/** Commands that are held because compliance was away and weren't tried since; those first that wait longest. They go to the end of the queue. */
export async function takeHeld(
  sql: Sql,
  { triedBefore, limit }: { triedBefore: string; limit: number }
): Promise<Command[]> {
  const rows = await sql<StoredCommand[]>`
    with taken as materialized (
      select command_id from settlement_commands
      where status = 'held' and reason = 'compliance_unreachable' and tried_at < ${triedBefore}::timestamptz
      order by tried_at limit ${limit} for update skip locked
    )
    update settlement_commands as command set tried_at = clock_timestamp() from taken where command.command_id = taken.command_id
    returning command.*`
  return rows.map(fromRow)
}

/** Saves how commands came out that the caller has locked. */
export async function saveDecisions(sql: Sql, decided: readonly ({ command_id: string } & Decision)[]): Promise<void> {
  await sql`
    update settlement_commands as saved set
      status = given.status, reason = given.reason, risk = given.risk, compliance = given.compliance,
      held_count = held_count + (given.status = 'held')::int, tried_at = now(), updated_at = now()
    from jsonb_to_recordset(${JSON.stringify(decided)}::text::jsonb) as given (
      command_id uuid, status text, reason text, risk jsonb, compliance jsonb
    )
    where saved.command_id = given.command_id`
}

/** bigint comes as text; chain ids were checked to be safe integers. */
type StoredCommand = Omit<Command, 'chain_id' | 'resolution' | 'created_at' | 'updated_at'> & {
  chain_id: string | null
  resolution?: Resolution | null
  created_at: Date
  updated_at: Date
}

function fromRow({ chain_id, resolution = null, created_at, updated_at, ...rest }: StoredCommand): Command {
  return {
    ...rest,
    chain_id: chain_id === null ? null : Number(chain_id),
    resolution,
    created_at: created_at.toISOString(),
    updated_at: updated_at.toISOString()
  }
}
