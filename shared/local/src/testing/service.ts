import { createMetrics, createOutboxSweeper, type ServiceDeps } from '@fusion-prime/http'
import { createSql, type MigrationFolder, migrate } from '@fusion-prime/postgres'
import type { PubSubMessage } from '@fusion-prime/pubsub'
import { createLog } from '@fusion-prime/runtime'
import { testDatabase } from '../test-database.ts'
import { PUSH_PREFIX } from './facts.ts'

export type TestParts = ServiceDeps & {
  /** What was published. */
  sent: PubSubMessage[]
  /** What was logged. */
  lines: Record<string, unknown>[]
  close(): Promise<void>
}

/** What a service is made of, on a fresh database with its tables; every push is let in and nothing leaves the process. */
export async function createTestParts(name: string, migrations: readonly MigrationFolder[]): Promise<TestParts> {
  const database = await testDatabase()
  const sql = createSql({ url: database.url, max: 5, applicationName: name })
  await migrate(sql, { folders: migrations })
  const lines: TestParts['lines'] = []
  const log = createLog(name, { write: line => void lines.push(JSON.parse(line)) })
  const sent: PubSubMessage[] = []
  const publish: ServiceDeps['publish'] = async messages => {
    sent.push(...messages)
    return messages.map(() => undefined)
  }
  return {
    sql,
    log,
    publish,
    sent,
    lines,
    metrics: createMetrics(),
    sweeper: createOutboxSweeper({ sql, publish, log }),
    pushAuth: async () => undefined,
    subscriptionPrefix: PUSH_PREFIX,
    serviceAuth: undefined,
    inboxRetentionDays: 45,
    outboxRetentionHours: 168,
    now: () => new Date(),
    async close() {
      await sql.end()
      await database.close()
    }
  }
}
