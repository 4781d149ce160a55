import type { Range } from '../chain.ts'
import type { ChainFact, ChainPart } from './chain-parts.ts'
import { compareFacts } from './compare-facts.ts'
import { type Finding, type ServiceName, type Settled, settle } from './finding.ts'
import { createManifestCheck, type Looked, type Manifest, type ManifestCheck } from './manifest-check.ts'
import { repairDerived, repairPart } from './repair.ts'
import type { AskedService } from './service.ts'

export type Reconciling = {
  services: readonly AskedService[]
  /** Parts of the chain, in order, without a gap. */
  parts(range: Range): AsyncIterable<ChainPart>
  /** Manifests that reach this block are about to be made anew. */
  mayChangeFrom: number | undefined
  mode: 'repair' | 'report'
  /** Publishes messages once more; throws when one isn't taken. */
  republish(messages: { facts: readonly ChainFact[]; manifests: readonly Manifest[] }): Promise<void>
  clock: { now(): number; sleep(ms: number): Promise<void> }
  repairWaitMs: number
}

/** What was compared of some blocks. */
export type Row = Range & { facts: number; manifests: number; found: readonly Settled[] }
/** How many more escrows a service checked its rows of, a page at a time. */
export type Checked = { service: ServiceName; escrows: number; found: readonly Settled[] }

export type Witness = { row(row: Row): void; checked(checked: Checked): void }

/** What differs at first may only be on its way. */
const SECOND_LOOK_MS = 2_000

/** Compares the chain with what the services hold, part by part, then lets each check what it derives; what is missing is repaired. Answers whether all is right. */
export async function reconcile(deps: Reconciling, range: Range, witness: Witness): Promise<boolean> {
  const manifests = createManifestCheck({ ...range, mayChangeFrom: deps.mayChangeFrom })
  let wrong = 0
  const count = (found: readonly Settled[]) => {
    wrong += found.filter(({ outcome }) => outcome === 'wrong').length
  }
  for await (const part of deps.parts(range)) {
    manifests.next(part)
    const row = await reconcilePart(deps, { part, manifests })
    count(row.found)
    witness.row(row)
  }
  const gaps = settle([], manifests.gaps())
  if (gaps.length > 0) witness.row({ ...range, facts: 0, manifests: 0, found: gaps })
  count(gaps)
  for (const service of deps.services) {
    for await (const checked of checkDerived(deps, { service, range })) {
      count(checked.found)
      witness.checked(checked)
    }
  }
  return wrong === 0
}

async function reconcilePart(
  deps: Reconciling,
  { part, manifests }: { part: ChainPart; manifests: ManifestCheck }
): Promise<Row> {
  const look = () => lookAt(deps, { part, manifests })
  let seen = await look()
  if (seen.findings.length > 0) {
    await deps.clock.sleep(SECOND_LOOK_MS)
    seen = await look()
  }
  const { findings, compared } = seen
  const after = deps.mode === 'repair' ? await repairPart(deps, { part, seen, look }) : findings
  return { from: part.from, to: part.to, facts: part.facts.length, manifests: compared, found: settle(findings, after) }
}

async function lookAt(
  { services }: Reconciling,
  { part, manifests }: { part: ChainPart; manifests: ManifestCheck }
): Promise<Looked> {
  const { from, to, facts, digests } = part
  const range = { from, to }
  const found = services.map(async (service): Promise<Finding[]> => {
    const held = await service.digests(range)
    const isFinal = service.levels === 'first' || held.final_count === digests.count
    if (held.digest === digests.digest && held.content_digest === digests.content_digest && isFinal) return []
    const { levels } = service
    const found = compareFacts({ chain: facts, held: await service.facts(range), levels })
    return found.map(finding => ({ service: service.name, ...finding }))
  })
  const copies = services.map(async ({ name, manifests }) => ({ service: name, manifests: await manifests(range) }))
  const [findings, stated] = await Promise.all([Promise.all(found), Promise.all(copies).then(manifests.compare)])
  return { ...stated, findings: [...stated.findings, ...findings.flat()] }
}

/** Asks a service for all that its rows aren't as its facts give them, a page at a time. */
async function* checkDerived(
  { mode }: Reconciling,
  { service, range }: { service: AskedService; range: Range }
): AsyncGenerator<Checked> {
  for (let cursor: string | undefined; ; ) {
    const look = () => service.faults(range, cursor)
    const page = await look()
    const after = mode === 'repair' ? await repairDerived(service, { page, look }) : page.items
    const named = (items: typeof page.items) =>
      items.map((fault): Finding => ({ service: service.name, block_number: null, fact_id: null, ...fault }))
    yield { service: service.name, escrows: page.escrows, found: settle(named(page.items), named(after)) }
    if (page.next_cursor === null) return
    cursor = page.next_cursor
  }
}
