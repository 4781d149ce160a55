import type { CommandOutcome } from '@fusion-prime/events'
import type { Sql } from '@fusion-prime/postgres'
import type { Assessment } from '../portfolio/portfolio.ts'
import type { Standing } from './assessment.ts'

/** How a user stood last; locked, so that a user's assessments are made one after the other. */
export async function lockStanding(sql: Sql, user_id: string): Promise<Standing> {
  const [row] = await sql<[Pick<Standing, 'risk_level'> & { level_changes: string }]>`
    insert into risk_standings as saved (user_id) values (${user_id})
    on conflict (user_id) do update set user_id = saved.user_id
    returning risk_level, level_changes`
  return { user_id, risk_level: row.risk_level, level_changes: Number(row.level_changes) }
}

/** Keeps an assessment, and how the user stands after it; the caller has locked the standing. */
export async function saveAssessment(
  sql: Sql,
  assessment: Assessment & { standing: Standing; at: Date; correlation_id: string }
): Promise<void> {
  const { standing, at, correlation_id, unpriceable, ...figures } = assessment
  await sql`
    with standing as (
      update risk_standings set risk_level = ${standing.risk_level}, level_changes = ${standing.level_changes}
      where user_id = ${standing.user_id}
    )
    insert into risk_metrics ${sql({ ...figures, user_id: standing.user_id, assessed_at: at, unpriceable: [...unpriceable], correlation_id })}`
}

/** What became of a command. */
export type Outcome = {
  command_id: string
  workflow_id: string
  correlation_id: string
  escrow_address: string | null
  outcome: CommandOutcome
  reason: string | null
}

/** Keeps the last outcome of each command; what was decided for good isn't undone by a late message that it was held. */
export async function saveOutcomes(sql: Sql, outcomes: readonly Outcome[]): Promise<void> {
  await sql`
    insert into command_outcomes as saved (command_id, workflow_id, correlation_id, escrow_address, outcome, reason)
    select distinct on (command_id) command_id, workflow_id, correlation_id, escrow_address, outcome, reason
    from unnest(
      ${outcomes.map(one => one.command_id)}::uuid[],
      ${outcomes.map(one => one.workflow_id)}::text[],
      ${outcomes.map(one => one.correlation_id)}::text[],
      ${outcomes.map(one => one.escrow_address)}::text[],
      ${outcomes.map(one => one.outcome)}::text[],
      ${outcomes.map(one => one.reason)}::text[]
    ) with ordinality as given (command_id, workflow_id, correlation_id, escrow_address, outcome, reason, position)
    order by command_id, outcome = 'held', position desc
    on conflict (command_id) do update set outcome = excluded.outcome, reason = excluded.reason, received_at = now()
    where saved.outcome = 'held'`
}

export type AssessmentRow = Assessment & {
  assessment_id: string
  assessed_at: Date
  correlation_id: string
  outcomes: Pick<Outcome, 'command_id' | 'workflow_id' | 'outcome' | 'reason'>[]
}

/** A user's assessments, newest first, before an id, each with what became of its workflow's commands (20 at most). */
export async function listAssessments(
  sql: Sql,
  { user_id, before, limit }: { user_id: string; before: string | undefined; limit: number }
): Promise<AssessmentRow[]> {
  const rows = await sql<(Omit<AssessmentRow, 'risk_score'> & { risk_score: string | null })[]>`
    select assessment_id, assessed_at, risk_score, risk_level, margin_available, total_value_usd, borrow_usd, hhi, sigma_day,
      positions, unpriceable, correlation_id, told.outcomes
    from risk_metrics
    cross join lateral (
      select coalesce(jsonb_agg(to_jsonb(recent)), '[]') as outcomes
      from (
        select command_id, workflow_id, outcome, reason from command_outcomes
        where command_outcomes.correlation_id = risk_metrics.correlation_id
        order by received_at desc, command_id limit 20
      ) as recent
    ) as told
    where user_id = ${user_id} and (${before ?? null}::bigint is null or assessment_id < ${before ?? null})
    order by assessment_id desc
    limit ${limit}`
  return rows.map(({ risk_score, ...rest }) => ({
    ...rest,
    risk_score: risk_score === null ? null : Number(risk_score)
  }))
}
