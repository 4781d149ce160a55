import { uuid8 } from '@fusion-prime/events'

/** Longest workflow id of the catalogue. */
const MAX_LENGTH = 200

/** The workflow of what is about a user rather than an escrow. */
export function userWorkflow(user_id: string): string {
  const workflow = `user:${user_id}`
  return workflow.length <= MAX_LENGTH ? workflow : `user:${uuid8(user_id)}`
}
