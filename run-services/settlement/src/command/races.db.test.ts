import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { commandOutcomeId } from '@fusion-prime/events'
import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import { approval, createCommand, createTestSettlement, pushOfCommand, type TestSettlement } from './command-fixture.ts'

let settlement: TestSettlement
let apps: FastifyInstance[]
before(async () => {
  settlement = await createTestSettlement()
  apps = [settlement.app, settlement.createInstance()]
})
after(async () => {
  await apps[1]?.close()
  await settlement?.close()
})

const says = {
  approves: approval,
  reviews: { ...approval, status: 'review' as const, approved: false },
  rejects: { ...approval, status: 'rejected' as const, approved: false },
  'is away': undefined
}
type Said = keyof typeof says

const stepKinds = [
  'ingest',
  'push',
  'push another body',
  'resolve to processed',
  'resolve to rejected',
  'sweep'
] as const
/** Something that somebody does to one of three commands, some milliseconds after the start. */
const step = fc.record({
  kind: fc.constantFrom(...stepKinds),
  which: fc.nat(2),
  instance: fc.nat(1),
  at: fc.nat(12),
  // What compliance says from then on. Object.keys forgets the keys' type.
  said: fc.constantFrom(...(Object.keys(says) as Said[]))
})

function request(kind: (typeof stepKinds)[number], command: Record<string, unknown>) {
  const post = (url: string, payload: object) => ({ method: 'POST' as const, url, payload })
  switch (kind) {
    case 'ingest':
      return post('/commands/ingest', command)
    case 'push':
      return pushOfCommand(command)
    case 'push another body':
      return pushOfCommand({ ...command, amount: '7' })
    case 'sweep':
      return post('/commands/sweep', {})
    default:
      return post(`/commands/${command.command_id}/resolution`, { to: kind.slice('resolve to '.length), reason: 'r' })
  }
}

test('whoever comes first, at two instances: a command ends once, and its outcomes tell its story', () =>
  fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async steps => {
      const commands = [0, 1, 2].map(() => createCommand())
      const perform = async ({ kind, which, instance, at, said }: (typeof steps)[number]) => {
        await sleep(at)
        settlement.compliance.answer = says[said]
        const answer = await apps[instance]?.inject(request(kind, commands[which] ?? {}))
        assert.ok(answer && [200, 202, 204, 404, 409, 503].includes(answer.statusCode), `${kind}: ${answer?.body}`)
      }
      await Promise.all(steps.map(perform))
      settlement.compliance.answer = approval
      for (const { command_id, ...command } of commands) {
        await settlement.app.inject(pushOfCommand({ command_id, ...command }))
        await settlement.app.inject({ method: 'POST', url: '/commands/sweep' })
        await assertStory(command_id)
      }
    }),
    { numRuns: 25 }
  ))

async function assertStory(command_id: string): Promise<void> {
  const { status, reason, resolution, amount } = (await settlement.app.inject(`/commands/${command_id}/status`)).json()
  const outcomes = settlement.sentAbout(command_id)
  const holds = outcomes.filter(one => one.event_type === 'command_held')
  const ends = outcomes.filter(one => one.event_type !== 'command_held')
  assert.deepEqual(
    holds.map(one => one.event_id),
    holds.map((_, index) => commandOutcomeId({ command_id, outcome: 'held', n: index + 1 }))
  )
  assert.equal(ends.length, status === 'held' ? 0 : 1)
  const { event_type, reason: last } = outcomes.at(-1) ?? assert.fail('nothing was told')
  assert.deepEqual([event_type, last], [`command_${status}`, reason])
  assert.equal(resolution === null, reason !== 'operator_resolution')
  const [given] = settlement.sentAbout(command_id, 'settlement-commands')
  if (given) assert.equal(amount, given.amount, 'what was accepted is what was decided')
}
