import type { ModelBlock, Transaction } from './model-block.ts'
import { childLog, deployed, noise, type TrueLog } from './model-events.ts'
import type { Random } from './random.ts'

/** Of the newest escrows most is heard. */
const LIVELY = 6

/** The transactions of a new block: some of the dropped blocks' mined again, and new ones. Each can happen on its branch. */
export function composeTransactions(
  random: Random,
  { parent, dropped, factories }: { parent: ModelBlock; dropped: readonly ModelBlock[]; factories: readonly string[] }
): Transaction[] {
  const alive = new Set(parent.escrows.keys())
  const transactions: Transaction[] = []
  const add = (transaction: Transaction) => {
    transactions.push(transaction)
    for (const { meaning } of transaction.logs)
      if (meaning?.event_type === 'EscrowDeployed') alive.add(meaning.escrow_address)
  }
  for (const transaction of minedAgain(random, { parent, dropped })) if (canHappen(transaction, alive)) add(transaction)
  if (random.chance(0.5)) {
    const count = random.int(1, 3)
    for (let made = 0; made < count; made++) {
      const logs = compose(random, { alive: [...alive].slice(-LIVELY), factories })
      add({ hash: random.hex(32), logs })
    }
  }
  return transactions
}

function minedAgain(
  random: Random,
  { parent, dropped }: { parent: ModelBlock; dropped: readonly ModelBlock[] }
): Transaction[] {
  if (dropped.length === 0) return []
  const lowest = dropped.at(-1)?.number ?? 0
  const there = new Set<string>()
  for (let block: ModelBlock | undefined = parent; block && block.number >= lowest; block = block.parent)
    for (const { hash } of block.transactions) there.add(hash)
  const waiting = dropped.toReversed().flatMap(block => block.transactions)
  return waiting.filter(({ hash }) => !there.has(hash) && random.chance(0.5)).slice(0, 4)
}

/** Its escrows exist on this branch, or it makes them; and it makes none twice. */
function canHappen({ logs }: Transaction, alive: ReadonlySet<string>): boolean {
  const made = new Set(logs.flatMap(({ meaning }) => deploymentOf(meaning)))
  if ([...made].some(escrow => alive.has(escrow))) return false
  return logs.every(({ meaning }) => !meaning || alive.has(meaning.escrow_address) || made.has(meaning.escrow_address))
}

const deploymentOf = (meaning: TrueLog['meaning']): string[] =>
  meaning?.event_type === 'EscrowDeployed' ? [meaning.escrow_address] : []

function compose(
  random: Random,
  { alive, factories }: { alive: readonly string[]; factories: readonly string[] }
): TrueLog[] {
  const factory = random.pick(factories)
  const logs: TrueLog[] = []
  if (alive.length === 0 || random.chance(0.25)) {
    const escrow = random.hex(20)
    if (random.chance(0.3)) logs.push(childLog(random, escrow)) // by its constructor, before the factory says so
    logs.push(deployed(random, { factory, escrow }))
    if (random.chance(0.3)) logs.push(childLog(random, escrow))
  } else {
    const escrow = random.pick(alive)
    const count = random.int(1, 2)
    for (let made = 0; made < count; made++) logs.push(childLog(random, escrow))
  }
  if (random.chance(0.3)) {
    const watched = random.pick([factory, ...alive])
    logs.splice(random.int(0, logs.length), 0, noise(random, { watched, factory }))
  }
  return logs
}
