import type { OutboxMessage } from '@fusion-prime/postgres'
import type { Publisher } from '../src/world.ts'
import type { Faults } from './faults.ts'
import type { Process } from './process.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'

/** A message that the model broker took, in the order in which it took them. */
export type Delivery = OutboxMessage & { at: number; by: string }

/** What subscribers were sent. */
export type Journal = Delivery[]

type Deps = { journal: Journal; process: Process; scheduler: Scheduler; random: Random; faults: Faults }

/** A broker that may refuse, take a part, take and not say so, or see its client die halfway. */
export function createModelPublisher({ journal, process, scheduler, random, faults }: Deps): Publisher {
  const accept = (messages: readonly OutboxMessage[]) => {
    for (const message of messages) journal.push({ ...message, at: scheduler.now(), by: process.name })
  }
  return {
    async publish(messages) {
      await process.awake()
      await scheduler.sleep(random.int(1, 200))
      await process.awake()
      if (faults.strikes('publish_refused', 0.05)) {
        faults.note('publish_refused', process.name)
        return messages.map(() => new Error('the broker is away'))
      }
      if (faults.strikes('crash', 0.01)) {
        accept(messages.slice(0, random.int(0, messages.length)))
        process.kill('publishing')
        await process.awake()
      }
      const failed = faults.strikes('publish_partly', 0.08) ? failKeys(messages, random) : new Set<number>()
      if (failed.size > 0) faults.note('publish_partly', process.name)
      accept(messages.filter((_, index) => !failed.has(index)))
      const unreported = faults.strikes('publish_unreported', 0.05) ? failKeys(messages, random) : new Set<number>()
      if (unreported.size > 0) faults.note('publish_unreported', process.name)
      return messages.map((_, index) =>
        failed.has(index) || unreported.has(index) ? new Error('no acknowledgement') : undefined
      )
    },
    close: async () => {}
  }
}

/** Indices of messages that fail: some, and all that come after them on their keys, as Google's client does it. */
function failKeys(messages: readonly OutboxMessage[], random: Random): Set<number> {
  const paused = new Set<string>()
  const failed = new Set<number>()
  for (const [index, { topic, ordering_key }] of messages.entries()) {
    const key = `${topic} ${ordering_key}`
    if (random.chance(0.2)) paused.add(key)
    if (paused.has(key)) failed.add(index)
  }
  return failed
}
