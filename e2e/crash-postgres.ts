import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { subscriptionList } from '@fusion-prime/events'
import { holds, until } from '@fusion-prime/local/testing/wait.ts'
import { deployableNames, serviceNames } from '../shared/local/src/deployables.ts'
import type { Stack } from '../shared/local/src/stack.ts'
import type { Scene } from './crash-kill.ts'
import { MANY, waiting } from './crash-unanswered.ts'

/** Kills Postgres under load, leaves it away until every service has refused pushes, and starts it again: no process may end. */
export async function killPostgres({ stack, say }: Scene): Promise<void> {
  const { broker, postgres, processes, file } = stack
  const identities = () =>
    deployableNames.map(name => [name, processes.byName[name].pid, processes.byName[name].restarts])
  const health = (check: string) =>
    Promise.all(Object.values(file.services).map(async url => (await fetch(`${url}/health/${check}`)).status))

  const before = identities()
  const refused = new Map<string, number>()
  let unreached = 0
  const stopListening = broker.onDelivery(({ subscription, status }) => {
    if (status === 503) refused.set(subscription, (refused.get(subscription) ?? 0) + 1)
    if (status === null) unreached += 1
  })
  const serviceOf = new Map(subscriptionList.map(({ name, service }) => [name, service]))
  const refusing = () => new Set([...refused.keys()].map(path => serviceOf.get(path.split('/').at(-1) ?? '')))
  // A service has several subscriptions, and any of them may be the first to be refused.
  const everyone = () => serviceNames.every(name => refusing().has(name))
  let killed = await killWhileBusy(stack)
  // Answers that were on their way count as unanswered still; if they were all, nobody is refused, and it has to happen again.
  for (let again = 0; again < 2 && !(await holds(everyone, { patienceMs: 5_000 })); again++) {
    await postgres.restart()
    killed = await killWhileBusy(stack)
  }
  await until('503 from every service', everyone)
  await sleep(1_000)
  assert.deepEqual(await health('live'), [200, 200, 200])
  assert.deepEqual(await health('ready'), [503, 503, 503])
  await postgres.restart()
  await processes.ready()
  stopListening()
  assert.deepEqual(identities(), before, 'a process ended while Postgres was away')
  assert.equal(unreached, 0, 'pushes without an answer while Postgres was away')
  const sum = [...refused.values()].reduce((total, count) => total + count, 0)
  say(`${killed}; ${sum} pushes got 503, no process ended`)
}

async function killWhileBusy(stack: Stack): Promise<string> {
  const busy = () => waiting(stack, serviceNames).every(count => count >= MANY)
  await until(`${MANY} unanswered messages at every service`, busy, { everyMs: 1 })
  const unanswered = waiting(stack, serviceNames).join(' + ')
  const { pid } = stack.postgres
  await stack.postgres.kill()
  return `kill -9 postgres (pid ${pid}) while ${unanswered} messages are unanswered`
}
