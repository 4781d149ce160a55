import assert from 'node:assert/strict'
import { after, before, describe, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Sql } from '@fusion-prime/postgres'
import { compareEscrows } from '../shared/local/src/demo/compare.ts'
import { freePorts } from '../shared/local/src/ports.ts'
import { type Processes, startInstance, startProcesses } from '../shared/local/src/processes.ts'
import { type Stack, startStack } from '../shared/local/src/stack.ts'
import { bookFaults } from './books.ts'
import { liveThrough, standStill } from './escrow-lives.ts'
import { type FinalState, readState, withSql } from './final-state.ts'
import { createHandledLog } from './handled-log.ts'
import { inboxFaults } from './inboxes.ts'
import { type Round, type RoundOptions, replay } from './replay.ts'
import { type RoundRobin, startRoundRobin } from './round-robin.ts'

/** `FAULT_SEED=7 npx node --test --test-name-pattern='seed [0-9]' e2e/faults.e2e.test.ts` replays one seed alone. */
const given = process.env.FAULT_SEED
const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1)
const seeds = given ? [Number(given)] : upTo(20)
const seedsInOneProcess = given ? [Number(given)] : upTo(3)

const handled = createHandledLog()
let stack: Stack
let expected: FinalState
before(async () => {
  stack = await startStack({ onLog: handled.onLog })
  const escrows = await liveThrough(stack, { rounds: 2 })
  await standStill(stack)
  expected = await readState(stack.file.databases)
  const compared = await compareEscrows(stack.file, escrows)
  assert.deepEqual(
    compared.filter(row => !row.agrees || row.finality !== 'finalized'),
    [],
    'without faults all parts agree with the chain'
  )
  const { databases } = stack.file
  assert.deepEqual([...(await bookFaults(databases)), ...(await inboxFaults(databases))], [])
})
after(() => stack?.stop())

const play = (options: RoundOptions): Promise<Round> => replay({ stack, handled, expected }, options)

function report(t: TestContext, { seed, injected, caught, milliseconds }: Round): void {
  const { duplicates, inversions, lostAcks } = injected
  const faults = `${duplicates} duplicates, ${inversions} inversions and ${lostAcks} lost acks injected`
  t.diagnostic(`seed ${seed}: ${faults}; ${caught} duplicates caught; ${(milliseconds / 1000).toFixed(1)} s`)
}

function assertHarmless({ injected, caught, wrong }: Round): void {
  assert.deepEqual(wrong, [])
  const { duplicates, inversions, lostAcks } = injected
  for (const [what, count] of Object.entries({ duplicates, inversions, lostAcks, caught }))
    assert.ok(count > 0, `${what}: none, so this seed shows nothing`)
}

/** Two processes of settlement behind one address, on one database, instead of the stack's one. */
type Pair = RoundRobin & { play(seed: number): Promise<Round> }
async function startPair(sabotage?: string): Promise<Pair> {
  await stack.processes.byName.settlement.stop()
  const { places } = stack
  const ports = [places.ports.settlement, ...(await freePorts(1))]
  const replaced = sabotage && {
    main: fileURLToPath(new URL('./sabotaged-settlement.ts', import.meta.url)),
    settings: { SABOTAGE: sabotage }
  }
  const instances = ports.map(port => startInstance('settlement', { places, port, onLog: handled.onLog, ...replaced }))
  const stop = () => Promise.all(instances.map(one => one.stop()))
  try {
    await Promise.all(instances.map(one => one.ready()))
  } catch (error) {
    await stop()
    throw error
  }
  const door = await startRoundRobin(instances.map(one => one.url))
  return {
    ...door,
    play: seed => play({ seed, settlementUrl: door.url, pushes: 'at once' }),
    async close() {
      await door.close()
      await stop()
    }
  }
}

describe('two processes of settlement that get pushes of one escrow at once', () => {
  let pair: Pair
  before(async () => {
    pair = await startPair()
  })
  after(() => pair?.close())

  for (const seed of seeds) {
    test(`seed ${seed}: the same final state as without faults`, async t => {
      const round = await pair.play(seed)
      const overlaps = pair.takeOverlaps()
      report(t, round)
      t.diagnostic(`seed ${seed}: ${overlaps} pushes came while the other process had one of the same escrow`)
      assertHarmless(round)
      assert.ok(overlaps > 0, 'no two pushes of one escrow overlapped')
    })
  }
})

describe('without one of its safeguards it fails within these seeds', () => {
  const sabotages = [
    { safeguard: 'inbox', symptom: /^settlement handled .* more than once/ },
    // Both transactions post the same transfer: the second breaks the ledger's key, and its fact is given up.
    {
      safeguard: 'lock',
      symptom: /^settlement_db\.(escrows|outbox|ledger_transfers) differs|^escrow-events-dlq-pull: /
    },
    { safeguard: 'order', symptom: /^settlement_db\.escrows differs/ }
  ]
  for (const { safeguard, symptom } of sabotages) {
    test(safeguard, async t => {
      const pair = await startPair(safeguard)
      try {
        for (const seed of upTo(20)) {
          const { wrong } = await pair.play(seed)
          const found = wrong.find(one => symptom.test(one))
          if (found) return t.diagnostic(`noticed at seed ${seed}: ${found.slice(0, 300)}`)
        }
        assert.fail('nobody noticed')
      } finally {
        await pair.close()
      }
    })
  }
})

describe('all deployables in one process', () => {
  let one: Processes
  before(async () => {
    await stack.processes.stop()
    one = startProcesses({ places: stack.places, oneProcess: true, onLog: handled.onLog })
    await one.ready()
  })
  after(() => one?.stop())

  for (const seed of seedsInOneProcess) {
    test(`seed ${seed}: the same final state as without faults`, async t => {
      const round = await play({ seed, settlementUrl: stack.file.services.settlement ?? '', pushes: 'in turn' })
      report(t, round)
      assertHarmless(round)
    })
  }
})

/* One after another, without repairing: nobody needs these databases any more. */
describe('what is lost, invented or undecided is noticed', () => {
  const look = async (): Promise<string[]> => {
    const { databases } = stack.file
    const inboxes = await inboxFaults(databases, { except: ['market.prices.v1'], patienceMs: 0 })
    return [...(await bookFaults(databases)), ...inboxes]
  }
  const damages: [what: string, damage: (sql: Sql) => Promise<unknown>, finds: RegExp[]][] = [
    ['nothing', async () => undefined, []],
    [
      'a message that never came',
      sql => sql`
        delete from processed_events where (topic, event_id) in (
          select topic, event_id from processed_events where topic = 'settlement-commands' limit 1
        )`,
      [/^settlement-commands-settlement: 1 of [0-9]+ never arrived/]
    ],
    [
      'a message that nobody published',
      sql => sql`
        insert into processed_events (topic, event_id, digest) values ('compliance-events', gen_random_uuid(), 'none')`,
      [/^compliance-events-settlement: 1 were published by nobody/]
    ],
    [
      'a command that nobody decided',
      sql => sql`
        update settlement_commands set status = 'received', reason = null, held_count = 0
        where command_id = (select command_id from settlement_commands limit 1)`,
      [/^1 commands are undecided/, /^outcomes of commands: [1-9] too many/]
    ],
    [
      'a transfer that no fact calls for',
      sql => sql`
        insert into ledger_transfers (
          transfer_id, fact_id, kind, chain_id, escrow_address, debit_account, credit_account, asset_symbol, amount
        )
        select gen_random_uuid(), gen_random_uuid(), kind, chain_id, escrow_address, debit_account, credit_account, asset_symbol, amount
        from ledger_transfers limit 1`,
      [/^ledger: /]
    ]
  ]
  for (const [what, damage, finds] of damages) {
    test(what, async () => {
      await withSql(stack.file.databases.settlement_db, damage)
      const found = await look()
      assert.deepEqual(
        finds.filter(pattern => !found.some(one => pattern.test(one))),
        [],
        found.join('\n')
      )
      if (finds.length === 0) assert.deepEqual(found, [])
    })
  }
})
