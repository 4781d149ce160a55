import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Protection } from '../src/world.ts'
import type { SeedResult } from './run-seed.ts'

export type Task = { seed: number; without: Protection | undefined }

export type Worker = { play(task: Task): Promise<SeedResult>; stop(): void }

/** A process that plays seeds one after another in the database at a URL. */
export function startWorker(databaseUrl: string): Worker {
  const child = fork(fileURLToPath(new URL('./worker.ts', import.meta.url)), [databaseUrl], {
    serialization: 'advanced'
  })
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`a worker of the simulation ended with code ${code}; its last words are above`)
  })
  ended.catch(() => undefined) // told to whoever waits for an answer
  return {
    async play(task) {
      const answer = once(child, 'message')
      child.send(task)
      const [result] = await Promise.race([answer, ended])
      return result
    },
    stop: () => child.disconnect()
  }
}
