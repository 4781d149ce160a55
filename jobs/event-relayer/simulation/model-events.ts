import { type EscrowEvent, type Parameter, type Signature, signatures } from '@fusion-prime/chain'
import type { ModelLog } from '../src/testing/blocks.ts'
import type { Random } from './random.ts'

/** What a log truly says; logs without one must never be published. */
export type Meaning = { event_type: string; escrow_address: string; details: Readonly<Record<string, unknown>> }
export type TrueLog = ModelLog & { meaning?: Meaning }

type Value = string | bigint

const word = (value: Value): string =>
  (typeof value === 'bigint' ? value.toString(16) : value.slice(2)).padStart(64, '0')

function encode(address: string, { topic0, parameters }: Signature, values: Readonly<Record<string, Value>>): ModelLog {
  const words = (indexed: boolean) =>
    parameters.filter(one => one.indexed === indexed).map(({ name }: Parameter) => word(values[name] ?? 0n))
  return {
    address,
    topics: [topic0, ...words(true).map(text => `0x${text}`)],
    data: `0x${words(false).join('')}`
  }
}

const formsOf = (event: EscrowEvent['event']) => signatures.filter(signature => signature.event === event)
const deployments = formsOf('EscrowDeployed')

const ZERO = `0x${'0'.repeat(40)}`

/** A factory's log of a deployment, in one of the four forms. */
export function deployed(random: Random, { factory, escrow }: { factory: string; escrow: string }): TrueLog {
  const form = random.pick(deployments)
  const has = (name: string) => form.parameters.some(one => one.name === name)
  const payer = random.hex(20)
  const payee = random.hex(20)
  const arbiter = random.chance(0.3) ? ZERO : random.hex(20)
  const amount = BigInt(random.hex(10))
  const releaseDelay = BigInt(random.int(0, 1_000_000))
  const approvalsRequired = random.int(1, 3)
  const values = {
    escrow,
    payer,
    payee,
    arbiter,
    amount,
    releaseDelay,
    approvalsRequired: BigInt(approvalsRequired)
  }
  const details = {
    payer,
    payee,
    arbiter: has('arbiter') && arbiter !== ZERO ? arbiter : null,
    amount: amount.toString(),
    asset_symbol: 'ETH',
    release_delay: has('releaseDelay') ? releaseDelay.toString() : null,
    approvals_required: has('approvalsRequired') ? approvalsRequired : null
  }
  return {
    ...encode(factory, form, values),
    meaning: { event_type: 'EscrowDeployed', escrow_address: escrow, details }
  }
}

/** A log of an escrow: what parties do to it, or its constructor's, which is kept and not published. */
export function childLog(random: Random, escrow: string): TrueLog {
  const [one, other] = [random.hex(20), random.hex(20)]
  const amount = BigInt(random.hex(10))
  const says = (event: EscrowEvent['event'], details: Readonly<Record<string, unknown>>): TrueLog => {
    const form = random.pick(formsOf(event))
    const values = { approver: one, payee: one, payer: one, oldArbiter: one, newArbiter: other, amount, timestamp: 7n }
    return { ...encode(escrow, form, values), meaning: { event_type: event, escrow_address: escrow, details } }
  }
  switch (random.int(0, 5)) {
    case 0:
      return says('EscrowReleased', { payee: one, amount: amount.toString() })
    case 1:
      return says('EscrowRefunded', { payer: one, amount: amount.toString() })
    case 2:
      return says('ArbiterChanged', { old_arbiter: one, new_arbiter: other })
    default:
      return says('ApprovalGranted', { approver: one })
  }
}

/** What must be kept or passed over, of a watched escrow or factory or of strangers: broken padding, cut data, unknown topics, a constructor's log, strangers. */
export function noise(random: Random, { watched, factory }: { watched: string; factory: string }): ModelLog {
  const good = childLog(random, watched)
  const stranger = random.hex(20)
  switch (random.int(0, 7)) {
    case 0:
      return { address: watched, topics: [...good.topics], data: `${good.data}00` }
    case 1:
      return { address: watched, topics: good.topics.map((topic, at) => (at ? dirty(topic) : topic)), data: good.data }
    case 2:
      return { address: watched, topics: [random.hex(32)], data: random.hex(40) }
    case 3:
      return { address: watched, topics: [], data: '0x' }
    case 4:
      return { address: stranger, topics: good.topics, data: good.data }
    case 5: {
      const { topics, data } = deployed(random, { factory, escrow: stranger })
      return { address: watched === factory || random.chance(0.5) ? stranger : watched, topics, data }
    }
    case 6: {
      const { topics, data } = deployed(random, { factory, escrow: stranger })
      return { address: factory, topics, data: `${data}ff` }
    }
    default:
      return encode(watched, random.pick(formsOf('EscrowCreated')), { payer: stranger, payee: stranger })
  }
}

const dirty = (topic: string): string => `0xff${topic.slice(4)}`
