import { createTestParts, type TestParts } from '@fusion-prime/local/testing/service.ts'
import { type ComplianceDeps, createFindPrice, migrations } from './app.ts'
import { createNameIndex } from './sanctions/names/index.ts'
import { createFindName } from './sanctions/names.ts'
import { createKeepList } from './sanctions/snapshots.ts'
import { createSanctionsSource } from './sanctions/source.ts'
import { createRescreening } from './screening/rescreen.ts'

export type World = {
  now: Date
  /** The text of the sanctions list. */
  text: string
}

export type TestCompliance = {
  parts: TestParts
  deps: ComplianceDeps
  world: World
  /** Puts a list in force, dated now. */
  publish(version: string, entries: { addresses?: readonly string[]; names?: readonly string[] }): Promise<void>
}

/** What compliance is made of, on a fresh database, with a clock and a list that the test moves. */
export async function createTestCompliance(changes: Partial<ComplianceDeps> = {}): Promise<TestCompliance> {
  const world: World = { now: new Date('2026-01-31T12:00:00Z'), text: '' }
  const now = () => world.now
  const parts = { ...(await createTestParts('compliance', migrations)), now }
  const sanctions = createSanctionsSource({ read: async () => world.text, maxAgeHours: 24, now, log: parts.log })
  const kyc = { ...parts, sanctions, findName: createFindName(createNameIndex), kycValidDays: 365 }
  const deps = {
    ...kyc,
    rescreening: createRescreening(kyc),
    keepList: createKeepList(),
    limits: { velocity_max_payments: '100', velocity_max_usd: '1000000' },
    findPrice: createFindPrice(90),
    ...changes
  }
  return {
    parts,
    deps,
    world,
    async publish(version, { addresses = [], names = [] }) {
      const file = {
        version,
        as_of: world.now.toISOString(),
        addresses: addresses.map(address => ({ address, chain: 'ETH', list: 'OFAC SDN' })),
        names: [{ name: 'Nobody At All', list: 'EU' }, ...names.map(name => ({ name, list: 'EU' }))]
      }
      world.text = JSON.stringify(file)
      await sanctions.refresh()
      if (sanctions.current()?.version !== version) throw new Error(`list ${version} was not taken`)
    }
  }
}
