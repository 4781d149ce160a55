import { administration, refusedMessages } from './chapters-admin.ts'
import { deadlines, filters, orderedPulling, pulling, streaming } from './chapters-pull.ts'
import { deadLetters, orderedDeadLetters, orderedPushing, pushing } from './chapters-push.ts'
import { createClients } from './support.ts'

/** What was seen, step by step, without what differs from run to run. */
export type Transcript = Record<string, unknown>

/** The same story told to whatever listens there, with the real client library. */
export async function runScenario(host: string): Promise<Transcript> {
  const transcript: Transcript = {}
  const clients = await createClients(host)
  const world = {
    clients,
    note(step: string, seen: unknown) {
      if (step in transcript) throw new Error(`Step '${step}' is told twice.`)
      transcript[step] = seen
    }
  }
  try {
    const chapters = {
      administration,
      refusedMessages,
      pulling,
      orderedPulling,
      deadlines,
      streaming,
      pushing,
      orderedPushing,
      deadLetters,
      orderedDeadLetters,
      filters
    }
    const told = Object.entries(chapters).map(([name, chapter]) =>
      chapter(world).catch(cause => {
        throw new Error(`Chapter '${name}' failed.`, { cause })
      })
    )
    const failures = (await Promise.allSettled(told)).flatMap(each => (each.status === 'rejected' ? [each.reason] : []))
    if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join(' '))
    return transcript
  } finally {
    await clients.close()
  }
}
