import { createHash } from 'node:crypto'
import { signatures } from '@fusion-prime/chain'

/** A chain whose logs are all facts of one factory and its escrows: deployments first, then approvals, at last releases. */
export type ChainPlan = {
  /** Besides block 0, which is empty. */
  blocks: number
  /** One block in so many holds logs; the others are empty. */
  every: number
  logsPerBlock: number
  escrows: number
}

export type PlannedLog = { address: string; topics: string[]; data: string }

export type FactType = 'EscrowDeployed' | 'ApprovalGranted' | 'EscrowReleased'

const LOGS_PER_TRANSACTION = 4
const RELEASE_DELAY_SECONDS = 86_400
const APPROVALS_REQUIRED = 3
const ONE_ETHER = 10n ** 18n

const address = (name: string): string => `0x${createHash('sha256').update(name).digest('hex').slice(0, 40)}`
const word = (value: bigint | number | string): string =>
  (typeof value === 'string' ? value.slice(2) : value.toString(16)).padStart(64, '0')
const parties = ['payer', 'payee', 'arbiter'].map(address)
const [payer = '', payee = '', arbiter = ''] = parties

export const FACTORY = address('factory')
const escrowAddress = (escrow: number): string => address(`escrow ${escrow}`)

const topics: Record<FactType, string> = {
  EscrowDeployed: topic0('EscrowDeployed(address,address,address,address,uint256,uint256,uint8)'),
  ApprovalGranted: topic0('ApprovalGranted(address)'),
  EscrowReleased: topic0('EscrowReleased(address,uint256,uint256)')
}

function topic0(text: string): string {
  const found = signatures.find(({ signature }) => signature === text)
  if (!found) throw new Error(`${text} is not in the signature registry`)
  return found.topic0
}

/** How many facts stand in the blocks up to this one. */
export const factsUpTo = ({ every, logsPerBlock }: ChainPlan, block: number): number =>
  Math.floor(block / every) * logsPerBlock

/** What the blocks up to this one must become, by type. */
export function factTypesUpTo(plan: ChainPlan, block: number): Map<FactType, number> {
  const counts = new Map<FactType, number>()
  for (let fact = 0; fact < factsUpTo(plan, block); fact++) {
    const type = typeOf(plan, fact)
    counts.set(type, (counts.get(type) ?? 0) + 1)
  }
  return counts
}

/** The logs of a block, by transaction. */
export function plannedTransactions(plan: ChainPlan, block: number): { logs: PlannedLog[] }[] {
  const transactions: { logs: PlannedLog[] }[] = []
  const end = factsUpTo(plan, block)
  for (let fact = factsUpTo(plan, block - 1); fact < end; fact += LOGS_PER_TRANSACTION) {
    const count = Math.min(LOGS_PER_TRANSACTION, end - fact)
    transactions.push({ logs: Array.from({ length: count }, (_, index) => plannedLog(plan, fact + index)) })
  }
  return transactions
}

/** Every escrow has its turn before the first has its next: deployed in the first round, released in the last. */
function typeOf(plan: ChainPlan, fact: number): FactType {
  const round = Math.floor(fact / plan.escrows)
  if (round === 0) return 'EscrowDeployed'
  const last = Math.floor((factsUpTo(plan, plan.blocks) - 1) / plan.escrows)
  return round === last ? 'EscrowReleased' : 'ApprovalGranted'
}

function plannedLog(plan: ChainPlan, fact: number): PlannedLog {
  const escrow = escrowAddress(fact % plan.escrows)
  const amount = ONE_ETHER + BigInt(fact % plan.escrows)
  const indexed = (value: string) => `0x${word(value)}`
  const type = typeOf(plan, fact)
  switch (type) {
    case 'EscrowDeployed':
      return {
        address: FACTORY,
        topics: [topics[type], ...[escrow, payer, payee].map(indexed)],
        data: `0x${word(arbiter)}${word(amount)}${word(RELEASE_DELAY_SECONDS)}${word(APPROVALS_REQUIRED)}`
      }
    case 'ApprovalGranted': {
      const approver = parties[Math.floor(fact / plan.escrows) % parties.length] ?? payer
      return { address: escrow, topics: [topics[type], indexed(approver)], data: '0x' }
    }
    case 'EscrowReleased':
      return { address: escrow, topics: [topics[type], indexed(payee)], data: `0x${word(amount)}${word(fact)}` }
    default:
      return type satisfies never
  }
}
