import type { Address, Hex } from 'viem'
import { parseAbiItem, toEventSelector, toEventSignature } from 'viem/utils'

/** What an escrow's log means, whichever signature said it. Addresses are lower-case hex, amounts wei, delays seconds, times Unix seconds. */
export type EscrowEvent =
  | { event: 'EscrowDeployed'; args: EscrowDeployedArgs }
  | { event: 'EscrowCreated'; args: EscrowCreatedArgs }
  | { event: 'ApprovalGranted'; args: { approver: Address } }
  | { event: 'EscrowReleased'; args: { payee: Address; amount: bigint; timestamp: bigint } }
  | { event: 'EscrowRefunded'; args: { payer: Address; amount: bigint; timestamp: bigint } }
  | { event: 'ArbiterChanged'; args: { oldArbiter: Address; newArbiter: Address } }

/** The older signatures lack the optional ones. */
export type EscrowDeployedArgs = {
  escrow: Address
  payer: Address
  payee: Address
  amount: bigint
  arbiter?: Address
  releaseDelay?: bigint
  approvalsRequired?: number
}

export type EscrowCreatedArgs = {
  payer: Address
  payee: Address
  arbiter: Address
  amount: bigint
  releaseTime: bigint
  approvalsRequired: number
}

type WordType = 'address' | 'uint256' | 'uint8'

export type Parameter = { name: string; type: WordType; indexed: boolean }

/** One way in which contracts log an event. Two signatures may share a topic0 and differ in what is indexed. */
export type Signature = {
  event: EscrowEvent['event']
  /** The event's name on chain: `Approved` is an ApprovalGranted. */
  name: string
  /** Canonical text, whose Keccak-256 is `topic0`: `Approved(address)`. */
  signature: string
  topic0: Hex
  parameters: readonly Parameter[]
  /** topic0 and one per indexed parameter. */
  topicCount: number
}

const declarations = {
  EscrowDeployed: [
    'event EscrowDeployed(address escrow, address payer, address payee, uint256 amount)',
    'event EscrowDeployed(address indexed escrow, address indexed payer, address indexed payee, uint256 amount)',
    'event EscrowDeployed(address indexed escrow, address indexed payer, address indexed payee, uint256 amount, uint256 releaseDelay, uint8 approvalsRequired)',
    'event EscrowDeployed(address indexed escrow, address indexed payer, address indexed payee, address arbiter, uint256 amount, uint256 releaseDelay, uint8 approvalsRequired)'
  ],
  EscrowCreated: [
    'event EscrowCreated(address indexed payer, address indexed payee, address indexed arbiter, uint256 amount, uint256 releaseTime, uint8 approvalsRequired)'
  ],
  ApprovalGranted: ['event Approved(address indexed approver)', 'event ApprovalGranted(address indexed approver)'],
  EscrowReleased: ['event EscrowReleased(address indexed payee, uint256 amount, uint256 timestamp)'],
  EscrowRefunded: ['event EscrowRefunded(address indexed payer, uint256 amount, uint256 timestamp)'],
  ArbiterChanged: ['event ArbiterChanged(address indexed oldArbiter, address indexed newArbiter)']
} as const

/** All signatures that decode. */
export const signatures: readonly Signature[] = Object.entries(declarations).flatMap(([event, texts]) =>
  // Object.entries widens the keys of `declarations`, which are the events' names.
  texts.map(text => parseSignature(event as EscrowEvent['event'], text))
)

/** The distinct topic0 of an event, or of all: what a query by topics asks for. */
export function topicsOf(event?: EscrowEvent['event']): Hex[] {
  const wanted = signatures.filter(signature => event === undefined || signature.event === event)
  return [...new Set(wanted.map(signature => signature.topic0))]
}

function parseSignature(
  event: EscrowEvent['event'],
  text: (typeof declarations)[EscrowEvent['event']][number]
): Signature {
  const item = parseAbiItem(text)
  const parameters = item.inputs.map(input => ({
    name: input.name,
    type: input.type,
    indexed: 'indexed' in input && input.indexed
  }))
  return {
    event,
    name: item.name,
    signature: toEventSignature(item),
    topic0: toEventSelector(item),
    parameters,
    topicCount: 1 + parameters.filter(parameter => parameter.indexed).length
  }
}
