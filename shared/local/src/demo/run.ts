import { setTimeout as sleep } from 'node:timers/promises'
import { type Address, createEscrowClient } from '@fusion-prime/chain'
import type { Story } from '../screen.ts'
import type { Stack } from '../stack.ts'
import { type CommandRow, commandFaults, type Roles, readCommands, resolutionOf, resolveHeld } from './commands.ts'
import { compareEscrows, type Row } from './compare.ts'
import { type Counts, countEvents } from './count.ts'
import { type LedgerState, readLedger } from './ledger.ts'
import { type Cast, lives } from './lives.ts'
import { BORROWER, expectedAlerts, playMargin, readAlerts } from './margin.ts'
import { verifyPeople } from './people.ts'
import { post } from './rest.ts'
import type { Track, Tracker } from './tracker.ts'
import { watchChain } from './watch.ts'

/** `commands`: what became of the escrow's commands, in words. */
export type DemoRow = Row & { title: string; commands: string }

export type DemoResult = {
  rows: DemoRow[]
  counts: Counts
  ledger: LedgerState
  /** The margin alerts about the demo's borrower, in their order. */
  alerts: string[]
  deadLetters: number
  tracks: Track[]
  /** What is wrong, in words; empty when every event arrived once and all agree. */
  faults: string[]
}

type Telling = { tracker: Tracker; onProgress(step: string): void; onStory(told: Story): void }
/** What this run is about: the titles of its escrows' lives, who has which part, the last alert before it, and its begin. */
type World = { born: ReadonlyMap<Address, string>; roles: Roles; lastAlert: number; since: Date }

const SETTLE_MS = 90_000

/** Takes the demo's escrows through their lives while prices fall, and waits until all that came of them is final and decided everywhere. */
export async function runDemo(stack: Stack, telling: Telling): Promise<DemoResult> {
  const { chain, factory, file } = stack
  const { tracker, onProgress, onStory } = telling
  const cast = castOf(chain.accounts)
  const since = new Date()
  onProgress('the demo: users are identified (one isn’t), one borrows more than he has')
  const roles = await introduce(file, cast)
  const lastAlert = (await readAlerts(file)).at(-1)?.seq ?? 0
  const unwatch = watchChain({ rpcUrl: chain.rpcUrl, chainId: chain.chainId, onLog: tracker.seen })
  const client = createEscrowClient({ rpcUrl: chain.rpcUrl, chainId: chain.chainId })
  const born = new Map<Address, string>()
  try {
    onProgress('escrows are created, approved, released and refunded, while the price of ETH falls')
    const falling = playMargin(stack, ({ price, health_score, status }) =>
      onStory({ subject: BORROWER, event: `ETH at ${price}`, outcome: String(health_score), reason: String(status) })
    )
    const living = lives.map(({ title, run }, index) => {
      const payer = cast.payers[index % cast.payers.length]
      if (!payer) throw new Error('the demo needs accounts')
      return run({ client, factory, cast, payer, born: escrow => void born.set(escrow, title) })
    })
    await Promise.all([falling, ...living])
    onProgress('all mined; waiting until the blocks are final and the commands decided')
    return await untilSettled(stack, { telling, world: { born, roles, lastAlert, since } })
  } finally {
    await unwatch()
  }
}

function castOf(accounts: readonly Address[]): Cast {
  const [, , , , , payee, arbiter, secondArbiter, sanctioned] = accounts
  if (!payee || !arbiter || !secondArbiter || !sanctioned) throw new Error('the demo needs nine accounts')
  return { payers: accounts.slice(0, 5), payee, arbiter, secondArbiter, sanctioned }
}

/** Makes the users known, but for one payer; another one owes too much. */
async function introduce({ services }: Stack['file'], { payers, payee, sanctioned }: Cast): Promise<Roles> {
  const [indebted, unknown] = payers.slice(-2).map(address => address.toLowerCase())
  if (!indebted || !unknown || !services.compliance) throw new Error('the demo needs payers and services')
  const known = new Set([...payers, payee].map(address => address.toLowerCase()).filter(one => one !== unknown))
  await verifyPeople(
    services.compliance,
    [...known].map((user_id, index) => ({ user_id, full_name: `Demo User ${index + 1}`, country: 'CH' }))
  )
  const margin = { collateral_positions: { ETH: '1000' }, borrow_positions: { USDC: '1000000' } }
  await post(`${services['risk-engine']}/api/v1/margin/health`, { user_id: indebted, ...margin })
  return { indebted, known, sanctioned: sanctioned.toLowerCase() }
}

async function untilSettled(stack: Stack, { telling, world }: { telling: Telling; world: World }): Promise<DemoResult> {
  const deadline = performance.now() + SETTLE_MS
  for (;;) {
    await resolve(stack, { telling, world })
    const result = await inspect(stack, { tracker: telling.tracker, world })
    if (result.faults.length === 0 || performance.now() > deadline) return result
    await sleep(500)
  }
}

/** An operator looks at what is held. */
async function resolve({ file }: Stack, { telling, world }: { telling: Telling; world: World }) {
  const settlement = file.services.settlement ?? ''
  const { roles } = world
  for (const command of await commandsOf(file, world)) {
    if (command.status !== 'held') continue
    await resolveHeld(settlement, { command, roles })
    const { to, reason } = resolutionOf(command, roles)
    const event = `command ${command.command_type}`
    telling.onStory({ subject: command.escrow_address ?? '', event, outcome: to, reason: `by an operator: ${reason}` })
  }
}

/** Commands about the escrows of this run; with --data there may be others. */
async function commandsOf({ services }: Stack['file'], { born }: World): Promise<CommandRow[]> {
  const commands = await readCommands(services.settlement ?? '')
  const escrows = new Set<string | null>(born.keys())
  return commands.filter(({ escrow_address }) => escrows.has(escrow_address))
}

async function inspect({ file, broker }: Stack, { tracker, world }: { tracker: Tracker; world: World }) {
  const { born, roles, lastAlert, since } = world
  const commands = await commandsOf(file, world)
  const compared = await compareEscrows(file, [...born.keys()])
  const rows = compared.map(row => ({
    ...row,
    title: born.get(row.escrow as Address) ?? '', // the keys are addresses
    commands: describeCommands(commands.filter(command => command.escrow_address === row.escrow))
  }))
  const counts = await countEvents(file, since)
  const ledger = await readLedger(file)
  const alerts = (await readAlerts(file, lastAlert)).map(alert => alert.event_type)
  const deadLetters = Object.entries(broker.stats())
    .filter(([subscription]) => subscription.endsWith('-dlq-pull'))
    .reduce((sum, [, { backlog }]) => sum + backlog, 0)
  const tracks = tracker.tracks()
  const settling = tracks.filter(({ event_type }) => settlingTypes.has(event_type)).length
  const faults = [
    ...rows.filter(row => !row.agrees).map(row => `${row.escrow} (${row.title}): the parts differ`),
    ...rows
      .filter(row => row.finality !== 'finalized')
      .map(row => `${row.escrow} (${row.title}): not final in settlement`),
    ...tracks
      .filter(track => track.settledMs === undefined)
      .map(track => `${track.event_type} of ${track.escrow} has no row in settlement`),
    ...counts.services
      .filter(one => one.missing.length > 0)
      .map(one => `${one.service} lacks ${one.missing.length} events, ${one.missing[0]} first`),
    ...counts.services
      .filter(one => one.invented.length > 0)
      .map(one => `${one.service} has ${one.invented.length} events that nobody sent`),
    ...(counts.unpublished > 0 ? [`${counts.unpublished} events wait in the relayer’s outbox`] : []),
    ...commandFaults(commands, { roles, wanted: settling }),
    ...ledger.faults.map(fault => `ledger: ${fault}`),
    ...(alerts.join() === expectedAlerts.join() ? [] : [`margin alerts: ${alerts.join(', ') || 'none'}`]),
    ...(deadLetters > 0 ? [`${deadLetters} dead letters`] : [])
  ]
  return { rows, counts, ledger, alerts, deadLetters, tracks, faults }
}

/** Facts from which the relayer derives a command. */
const settlingTypes = new Set(['EscrowDeployed', 'EscrowReleased', 'EscrowRefunded'])

const describeCommands = (commands: readonly CommandRow[]): string =>
  commands
    .toSorted((a, b) => (a.command_type < b.command_type ? -1 : 1))
    .map(({ command_type, status, resolution }) => `${command_type} ${status}${resolution ? ' by operator' : ''}`)
    .join(', ')
