import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { after, afterEach, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type LocalPostgres, startPostgres } from '../../local/src/postgres.ts'
import { createSql, type Pool } from './create-sql.ts'
import { LOOPS, type Report } from './guard.load.ts'
import { DRAIN_MS } from './guard.ts'
import { isConnectionFault } from './transaction.ts'

/** Far beyond what any call needs, here: a call that is pending for so long is stuck. */
const STUCK_MS = 15_000
const ROUNDS = 5

describe('a process under load whose Postgres dies', () => {
  let postgres: LocalPostgres
  let admin: Pool
  let child: ChildProcess

  before(async () => {
    postgres = await startPostgres({ databases: ['shop'] })
    const sql = createSql({ url: postgres.urls.shop, max: 1, applicationName: 'test' })
    await sql`create table load (body text)`
    await sql.end()
    admin = createSql({ url: postgres.adminUrl, max: 1, applicationName: 'test' })
  })
  after(async () => {
    await admin.end()
    await postgres.stop()
  })
  afterEach(async () => {
    const exit = child.exitCode === null && once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  })

  function start(kind: 'guarded' | 'bare'): void {
    const stdio = ['ignore', 'inherit', kind === 'bare' ? 'ignore' : 'inherit', 'ipc'] as const
    child = fork(fileURLToPath(new URL('guard.load.ts', import.meta.url)), [postgres.urls.shop ?? '', kind], {
      stdio: [...stdio]
    })
  }

  /** Undefined once the process is gone. */
  async function report(): Promise<Report | undefined> {
    if (child.exitCode !== null) return undefined
    const ask = new AbortController()
    child.send('report', () => {})
    const answers = [once(child, 'message', ask), once(child, 'exit', ask).then(() => [undefined])]
    const [answer] = await Promise.race(answers)
    for (const one of answers) one.catch(() => {})
    ask.abort()
    return answer
  }

  /** Waits until every loop succeeds and none fails; false if that doesn't come, or the process is gone. */
  async function recovers(): Promise<boolean> {
    const deadline = performance.now() + STUCK_MS
    while (performance.now() < deadline) {
      await sleep(300)
      const seen = await report()
      if (!seen || seen.longestMs > STUCK_MS) return false
      if (seen.failed === 0 && seen.active === LOOPS) return true
    }
    return false
  }

  async function crash(): Promise<void> {
    await postgres.kill()
    await sleep(1_000)
    await postgres.restart()
  }

  /** Tries again while the operator's own connection is among those lost. */
  async function asOperator<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work()
      } catch (error) {
        if (!isConnectionFault(error)) throw error
        await sleep(50)
      }
    }
  }

  /** The newest, since older ones may belong to a pool that was given up and is ending. */
  async function newestBackend(): Promise<number | undefined> {
    const [backend] = await asOperator(
      () => admin`select pid from pg_stat_activity where application_name = 'load' order by backend_start desc limit 1`
    )
    return backend?.pid
  }

  /** A backend may end by itself between being found and being killed. */
  async function killBackend(): Promise<void> {
    for (;;) {
      const pid = await newestBackend()
      try {
        if (pid !== undefined) return void process.kill(pid, 'SIGKILL')
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
      }
      await sleep(50)
    }
  }

  test('lives on, and every loop goes on: crashes of the server, of one backend, and one ended by an operator', async () => {
    start('guarded')
    assert.ok(await recovers())
    for (let round = 0; round < ROUNDS; round++) {
      await crash()
      assert.ok(await recovers(), `not recovered from crash ${round + 1}`)
    }
    for (let round = 0; round < ROUNDS; round++) {
      await killBackend()
      assert.ok(await recovers(), `not recovered from the death of backend ${round + 1}`)
      const pid = await newestBackend()
      await asOperator(() => admin`select pg_terminate_backend(${pid ?? null})`)
      assert.ok(await recovers(), `not recovered from the end of backend ${round + 1}`)
    }
    await sleep(2 * DRAIN_MS)
    const open = await admin`select from pg_stat_activity where application_name = 'load'`
    assert.ok(open.length <= 8, `${open.length} connections are open, at most 8 are allowed`)
  })

  test('the driver alone dies or gets stuck (if it does not any more, the guard may go)', async () => {
    start('bare')
    assert.ok(await recovers())
    let survived = true
    for (let round = 0; survived && round < ROUNDS; round++) {
      await crash()
      survived = await recovers()
    }
    assert.equal(survived, false)
  })
})
