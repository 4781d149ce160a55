import { MAX_REPAIR } from '@fusion-prime/operations'
import type { ChainPart } from './chain-parts.ts'
import type { Finding } from './finding.ts'
import type { Looked } from './manifest-check.ts'
import type { Reconciling } from './reconcile.ts'
import type { AskedService, FaultsPage } from './service.ts'

const POLL_MS = 500

/**
 * Lets what is missing come again with its own ids: the services forget that it was handled, then it is published. Answers what is
 * found once nothing is missing any more, or the wait is over.
 */
export async function repairPart(
  { services, republish, clock, repairWaitMs }: Reconciling,
  { part, seen, look }: { part: ChainPart; seen: Looked; look(): Promise<Looked> }
): Promise<Finding[]> {
  const missing = seen.findings.filter(({ kind }) => kind === 'missing')
  if (missing.length === 0) return seen.findings
  const lost = new Set(missing.map(({ fact_id }) => fact_id))
  const facts = part.facts.filter(({ fact_id }) => lost.has(fact_id))
  for (let at = 0; at < Math.max(facts.length, seen.again.length); at += MAX_REPAIR) {
    const [someFacts, manifests] = [facts.slice(at, at + MAX_REPAIR), seen.again.slice(at, at + MAX_REPAIR)]
    const request = {
      facts: someFacts.map(({ fact_id, event_id }) => ({ fact_id, event_id })),
      manifests: manifests.map(({ event_id }) => event_id),
      escrows: []
    }
    await Promise.all(services.map(service => service.repair(request)))
    await republish({ facts: someFacts, manifests })
  }
  const until = clock.now() + repairWaitMs
  for (;;) {
    await clock.sleep(POLL_MS)
    const { findings } = await look()
    if (clock.now() >= until || !findings.some(({ kind }) => kind === 'missing')) return findings
  }
}

/** Has a service write its missing rows; answers its faults after that. */
export async function repairDerived(
  service: Pick<AskedService, 'repair'>,
  { page, look }: { page: FaultsPage; look(): Promise<FaultsPage> }
): Promise<FaultsPage['items']> {
  const missing = page.items.filter(({ kind }) => kind === 'missing')
  if (missing.length === 0) return page.items
  const escrows = [...new Set(missing.map(({ escrow_address }) => escrow_address))]
  await service.repair({ facts: [], manifests: [], escrows })
  return (await look()).items
}
