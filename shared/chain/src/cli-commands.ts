import { type Address, zeroAddress } from 'viem'
import { toBaseUnits, toWholeUnits } from './assets.ts'
import { addressOf, type Context, type Flags, parseAddress, textOf, UsageError } from './cli-context.ts'
import type { EscrowAction, Sender, Sent } from './escrow-client.ts'

/** What a command tells, in this order; the names are those of `--json`. */
export type Result = Record<string, string | number>

export type Typed = { flags: Flags; positionals: readonly string[] }

export type Command = {
  summary: string
  /** Names of what follows the command. */
  positionals: readonly string[]
  /** Its own flags besides the common ones, each with its explanation. */
  flags: Record<string, string>
  run(context: Context, typed: Typed): Promise<Result>
}

const roles = ['payer', 'payee', 'arbiter'] as const
type Role = (typeof roles)[number]

export const commands: Readonly<Record<string, Command>> = {
  create: {
    summary: 'deploy an escrow and pay the deposit into it',
    positionals: [],
    flags: {
      payee: 'who is paid; by default the first other account',
      amount: 'deposit in ETH: 1.5',
      'release-delay': 'seconds until it may be released (0)',
      approvals: '1 payer, 2 payer and payee, 3 payer, payee and arbiter (1)',
      arbiter: 'third party, or "none"; by default the next other account',
      factory: "address of the factory; by default the local stack's"
    },
    run: create
  },
  approve: {
    summary: 'approve the release as one of the parties',
    positionals: ['ESCROW'],
    flags: { as: 'whose approval: payer (default), payee or arbiter' },
    run: (context, typed) =>
      act(context, typed, { by: parseRole(textOf(typed.flags, 'as')), send: context.client.approve })
  },
  release: {
    summary: 'pay the deposit to the payee; anyone may, by default the payer does',
    positionals: ['ESCROW'],
    flags: {},
    run: (context, typed) => act(context, typed, { by: 'payer', send: context.client.release })
  },
  refund: {
    summary: 'give the deposit back to the payer, who alone may',
    positionals: ['ESCROW'],
    flags: {},
    run: (context, typed) => act(context, typed, { by: 'payer', send: context.client.refund })
  },
  arbiter: {
    summary: 'name another arbiter, as the present one',
    positionals: ['ESCROW', 'NEW_ARBITER'],
    flags: {},
    run(context, typed) {
      const arbiter = parseAddress(typed.positionals[1], 'NEW_ARBITER')
      return act(context, typed, {
        by: 'arbiter',
        send: action => context.client.changeArbiter({ ...action, arbiter })
      })
    }
  },
  show: {
    summary: 'print the state of an escrow',
    positionals: ['ESCROW'],
    flags: {},
    run: show
  }
}

async function create(context: Context, { flags }: Typed): Promise<Result> {
  const amount = toBaseUnits('ETH', textOf(flags, 'amount') ?? missing('--amount, in ETH,'))
  const releaseDelay = BigInt(parseWhole(textOf(flags, 'release-delay') ?? '0', '--release-delay'))
  const approvalsRequired = parseApprovals(textOf(flags, 'approvals') ?? '1')
  const from = context.sender(context.accounts[0])
  const others = context.accounts.filter(account => account !== addressOfSender(from))
  const payee = addressOf(flags, 'payee') ?? others[0] ?? missing('--payee')
  const arbiter = flags.arbiter === 'none' ? undefined : (addressOf(flags, 'arbiter') ?? others.find(a => a !== payee))
  const factory = context.factory ?? missing('--factory')
  const sent = await context.client.createEscrow({
    ...{ from, factory, payee, amount, releaseDelay, approvalsRequired },
    arbiter: arbiter ?? zeroAddress
  })
  return tell(sent.escrow, from, sent)
}

type Action = { by: Role; send(action: EscrowAction): Promise<Sent> }

async function act(context: Context, { positionals }: Typed, { by, send }: Action): Promise<Result> {
  const escrow = parseAddress(positionals[0], 'ESCROW')
  const party = (await context.client.readEscrow(escrow))[by]
  const from = context.sender(party === zeroAddress ? undefined : party)
  return tell(escrow, from, await send({ escrow, from }))
}

async function show({ client }: Context, { positionals }: Typed): Promise<Result> {
  const escrow = parseAddress(positionals[0], 'ESCROW')
  const { amount, releaseTime, refundTime, approvals, approvalsRequired, ...state } = await client.readEscrow(escrow)
  return {
    escrow,
    ...state,
    amount: toWholeUnits('ETH', amount),
    asset_symbol: 'ETH',
    approvals,
    approvals_required: approvalsRequired,
    release_time: isoTime(releaseTime),
    refund_time: isoTime(refundTime)
  }
}

const tell = (escrow: Address, from: Sender, { transactionHash, blockNumber }: Sent): Result => ({
  escrow,
  from: addressOfSender(from),
  transaction_hash: transactionHash,
  block_number: Number(blockNumber)
})

const addressOfSender = (from: Sender): string => (typeof from === 'string' ? from : from.address).toLowerCase()

function parseRole(text = 'payer'): Role {
  const role = roles.find(known => known === text)
  if (!role) throw new UsageError(`--as "${text}" is not a role: use ${roles.join(', ')}`)
  return role
}

function parseApprovals(text: string): 1 | 2 | 3 {
  const count = ([1, 2, 3] as const).find(known => String(known) === text)
  if (!count) throw new UsageError(`--approvals "${text}" is not 1, 2 or 3`)
  return count
}

function parseWhole(text: string, what: string): string {
  if (!/^[0-9]{1,12}$/.test(text)) throw new UsageError(`${what} "${text}" is not a whole number of seconds`)
  return text
}

function missing(what: string): never {
  throw new UsageError(`${what} is missing`)
}

const isoTime = (seconds: bigint): string => new Date(Number(seconds) * 1000).toISOString()
