import type { Facts, Input, Limits, Verdict } from '../check/decide.ts'

/**
 * All that a decision was made from, and what it was. No JSON numbers: Postgres tells 7 from 7.0000000000000000001, a parser doesn’t,
 * so such a change would go unnoticed.
 */
export type Decision = Verdict & {
  check_id: string
  /** ISO 8601 in UTC. */
  decided_at: string
  rules: Limits & { version: string }
  input: Input
  facts: Facts
}

/** A decision in its place in the chain. */
export type Link = { check_id: string; position: number; decision: Decision; prev_hash: string; hash: string }
