import { setTimeout as sleep } from 'node:timers/promises'
import { type Address, type EscrowClient, EscrowError } from '@fusion-prime/chain'
import { deployBothParties } from './both-parties.ts'

/** Who plays in the demo: accounts of the local chain. */
export type Cast = {
  payers: readonly Address[]
  payee: Address
  arbiter: Address
  secondArbiter: Address
  /** Named by the demo's sanctions list. */
  sanctioned: Address
}

export type Life = {
  /** What the life shows: `released, 2 approvals`. */
  title: string
  /** Runs it to its end; tells the escrow's address as soon as there is one. */
  run(stage: Stage): Promise<void>
}

export type Stage = {
  client: EscrowClient
  factory: Address
  cast: Cast
  payer: Address
  born(escrow: Address): void
}

const ETHER = 10n ** 18n
/** Seconds; long enough to see that a release has to wait. */
const RELEASE_DELAY = 2n
const RETRY_MS = 500

type Approvals = 1 | 2 | 3
type Terms = { payee?: Address; approvalsRequired: Approvals; releaseDelay?: bigint }

async function create(
  { client, factory, cast, payer, born }: Stage,
  { payee, approvalsRequired, releaseDelay = 0n }: Terms
) {
  const arbiter = approvalsRequired === 3 ? { arbiter: cast.arbiter } : {}
  const amount = (ETHER * BigInt(approvalsRequired + 1)) / 2n
  const made = await client.createEscrow({
    from: payer,
    factory,
    payee: payee ?? cast.payee,
    amount,
    approvalsRequired,
    releaseDelay,
    ...arbiter
  })
  born(made.escrow)
  return made.escrow
}

const approvers = ({ cast, payer }: Stage, count: Approvals): Address[] =>
  [payer, cast.payee, cast.arbiter].slice(0, count)

async function approveAll(
  { client }: Stage,
  { escrow, by }: { escrow: Address; by: readonly Address[] }
): Promise<void> {
  for (const from of by) await client.approve({ from, escrow })
}

/** Tries again while the contract says that it is too early; chain time runs by itself. */
async function whenTimeHasCome(action: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await action()
      return
    } catch (error) {
      if (!(error instanceof EscrowError) || error.code !== 'TooEarly') throw error
      await sleep(RETRY_MS)
    }
  }
}

function released(approvalsRequired: Approvals, title: string): Life {
  return {
    title,
    async run(stage) {
      const escrow = await create(stage, { approvalsRequired, releaseDelay: RELEASE_DELAY })
      await approveAll(stage, { escrow, by: approvers(stage, approvalsRequired) })
      await whenTimeHasCome(() => stage.client.release({ from: stage.payer, escrow }))
    }
  }
}

function refunded(title: string, { approvals }: { approvals: 0 | 1 }): Life {
  return {
    title,
    async run(stage) {
      const escrow = await create(stage, { approvalsRequired: 2 })
      if (approvals === 1) await stage.client.approve({ from: stage.payer, escrow })
      await whenTimeHasCome(() => stage.client.refund({ from: stage.payer, escrow }))
    }
  }
}

function waiting(title: string, { required, given }: { required: Approvals; given: 0 | Approvals }): Life {
  return {
    title,
    async run(stage) {
      const escrow = await create(stage, { approvalsRequired: required })
      if (given > 0) await approveAll(stage, { escrow, by: approvers(stage, given || 1) })
    }
  }
}

/** One contract is the payer and, through another, the payee: both approve in one transaction, with two logs. */
const bothInOneTransaction: Life = {
  title: 'released, two approvals in one transaction',
  async run({ client, factory, payer, born }) {
    const parties = await deployBothParties(client, payer)
    const escrow = await parties.create({ factory, amount: ETHER })
    born(escrow)
    await parties.approveBoth(escrow)
    await client.release({ from: payer, escrow })
  }
}

const arbiterChanged: Life = {
  title: 'released, 3 approvals, another arbiter',
  async run(stage) {
    const { client, cast, payer } = stage
    const escrow = await create(stage, { approvalsRequired: 3, releaseDelay: RELEASE_DELAY })
    await client.changeArbiter({ from: cast.arbiter, escrow, arbiter: cast.secondArbiter })
    await approveAll(stage, { escrow, by: [payer, cast.payee, cast.secondArbiter] })
    await whenTimeHasCome(() => client.release({ from: payer, escrow }))
  }
}

const sanctionedPayee: Life = {
  title: 'waiting, the payee is on the sanctions list',
  async run(stage) {
    await create(stage, { approvalsRequired: 1, payee: stage.cast.sanctioned })
  }
}

/** Every kind of life that an escrow can have. */
export const lives: readonly Life[] = [
  released(1, 'released, 1 approval'),
  released(1, 'released, 1 approval'),
  released(2, 'released, 2 approvals'),
  released(2, 'released, 2 approvals'),
  released(3, 'released, 3 approvals'),
  arbiterChanged,
  bothInOneTransaction,
  refunded('refunded, no approval', { approvals: 0 }),
  refunded('refunded, no approval', { approvals: 0 }),
  refunded('refunded, 1 of 2 approvals', { approvals: 1 }),
  waiting('waiting, no approval', { required: 2, given: 0 }),
  waiting('waiting, 1 of 2 approvals', { required: 2, given: 1 }),
  waiting('waiting, approved but not released', { required: 2, given: 2 }),
  sanctionedPayee
]
