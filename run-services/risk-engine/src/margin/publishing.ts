import type { OutboxSweeper } from '@fusion-prime/http'
import { outboxDepth, type Sql } from '@fusion-prime/postgres'

/** A message that waits for longer, in seconds, was neither published by its request nor by the sweep after it. */
const MAX_WAIT_SECONDS = 10

/** Whether alerts go out: the last publish succeeded, and nothing has waited in the outbox for long. */
export async function isPublishing({ sql, sweeper }: { sql: Sql; sweeper: OutboxSweeper }): Promise<boolean> {
  if (sweeper.isBehind()) return false
  return (await outboxDepth(sql)).oldest_seconds <= MAX_WAIT_SECONDS
}
