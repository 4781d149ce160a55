import { BaseError, decodeErrorResult, type Hex, isHex } from 'viem'
import { escrowAbi } from './abi/escrow.ts'

/** A contract refused an action, or there is no contract there. `code` is the contract's own error: `NotAnApprover`. */
export class EscrowError extends Error {
  override readonly name = 'EscrowError'
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(`${code}: ${message}`, options)
    this.code = code
  }
}

type Arguments = readonly unknown[]

const time = (seconds: unknown) => new Date(Number(seconds) * 1000).toISOString()

/** What each custom error of the contracts says to a person, from its arguments. */
const explanations: Record<string, (args: Arguments) => string> = {
  NoDeposit: () => 'an escrow needs an amount above 0',
  InvalidPayer: ([payer]) => `${payer} can't be the payer`,
  InvalidPayee: ([payee]) => `${payee} can't be the payee: it must be neither zero nor the payer`,
  InvalidArbiter: ([arbiter]) =>
    `${arbiter} can't be the arbiter: it must be a third party, who isn't the arbiter yet, and three approvals need one`,
  InvalidApprovalsRequired: ([count]) => `${count} approvals can't be required: use 1, 2 or 3`,
  DelayTooLong: ([delay, maximum]) => `a delay of ${delay} s is more than ${maximum} s`,
  NotAnApprover: ([caller]) => `${caller} may not approve this escrow`,
  AlreadyApproved: ([caller]) => `the role of ${caller} has approved already`,
  NotPayer: ([caller]) => `${caller} is not the payer, who alone may refund`,
  NotArbiter: ([caller]) => `${caller} is not the arbiter, who alone may name another`,
  NotEnoughApprovals: ([given, required]) => `${given} of ${required} approvals are given`,
  TooEarly: ([allowedFrom]) => `not before ${time(allowedFrom)}`,
  AlreadyEnded: ([status]) => `the escrow is ${status === 1 ? 'released' : 'refunded'} already`,
  TransferFailed: ([to, amount]) => `${to} doesn't take the ${amount} wei`
}

/** An EscrowError for what a contract refused; any other error as it is. */
export function explainError(error: unknown): unknown {
  const data = revertData(error)
  if (data === undefined) return error
  try {
    const { errorName, args: decoded = [] } = decodeErrorResult({ abi: escrowAbi, data })
    const args = decoded.map(arg => (typeof arg === 'string' ? arg.toLowerCase() : arg))
    return new EscrowError(errorName, explanations[errorName]?.(args) ?? args.join(', '), { cause: error })
  } catch {
    return new EscrowError('Reverted', `the contract refused with ${data}`, { cause: error })
  }
}

/** What the contract reverted with, from wherever in the library's chain of causes the node's answer stands. */
function revertData(error: unknown): Hex | undefined {
  if (!(error instanceof BaseError)) return undefined
  const answer = error.walk(cause => cause instanceof Error && 'data' in cause && isHex(cause.data))
  return answer && 'data' in answer && isHex(answer.data) ? answer.data : undefined
}
