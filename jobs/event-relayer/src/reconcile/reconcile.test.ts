import assert from 'node:assert/strict'
import { test } from 'node:test'
import { factsOf, manifestOf, partOf } from './chain-fixture.ts'
import { type ChainFact, digestsOf } from './chain-parts.ts'
import { type ServiceName, serviceNames } from './finding.ts'
import type { Manifest } from './manifest-check.ts'
import { type Reconciling, reconcile } from './reconcile.ts'
import { createReport } from './report.ts'
import type { AskedService, FaultsPage } from './service.ts'

const range = { from: 1, to: 30 }
const tiling = [manifestOf({ from: 1, to: 10 }), manifestOf({ from: 11, to: 30 })]
type Fault = FaultsPage['items'][number]
const fault = (kind: Fault['kind'], detail: string): Fault => {
  return { kind, what: 'escrow', escrow_address: `0x${'e1'.repeat(20)}`, detail }
}

type State = {
  facts: ChainFact[]
  manifests: Manifest[]
  faults: Fault[]
  inbox: Set<string>
  /** What came is there only after so many looks. */
  late: number
}

/** A service in memory: it handles what is published unless it remembers that it did. */
function modelService(name: ServiceName, state: State): AskedService & { receive(fact: ChainFact): void } {
  const within = ({ from, to }: { from: number; to: number }) =>
    state.facts.filter(one => one.block_number >= from && one.block_number <= to)
  return {
    name,
    levels: 'every',
    digests: async asked => {
      if (state.late-- === 0) state.facts = factsOf(range)
      return digestsOf(within(asked))
    },
    facts: async asked => within(asked).map(({ body: _, ...fact }) => ({ ...fact, counts: true })),
    manifests: async asked => state.manifests.filter(one => one.to_block >= asked.from && one.from_block <= asked.to),
    faults: async () => ({ items: state.faults, escrows: 1, next_cursor: null }),
    async repair({ facts, escrows }) {
      for (const { fact_id, event_id } of facts)
        if (!state.facts.some(fact => fact.fact_id === fact_id)) state.inbox.delete(event_id)
      if (escrows.length > 0) state.faults = state.faults.filter(({ kind }) => kind !== 'missing')
      return { forgotten: 0, written: 0 }
    },
    receive(fact) {
      if (state.inbox.has(fact.event_id)) return
      state.inbox.add(fact.event_id)
      state.facts.push(fact)
    }
  }
}

async function run({
  mode = 'repair',
  spoil = () => undefined
}: {
  mode?: Reconciling['mode']
  spoil?: (states: Record<ServiceName, State>) => void
}) {
  const inbox = () => new Set(factsOf(range).map(({ event_id }) => event_id))
  const fresh = (): State => ({ facts: factsOf(range), manifests: [...tiling], faults: [], inbox: inbox(), late: -1 })
  const states = { settlement: fresh(), 'risk-engine': fresh(), compliance: fresh() }
  spoil(states)
  const services = serviceNames.map(name => modelService(name, states[name]))
  const published: string[] = []
  let now = 0
  const written: string[] = []
  const report = createReport({ format: 'text', write: text => void written.push(text) })
  const right = await reconcile(
    {
      services,
      async *parts() {
        for (let from = range.from; from <= range.to; from += 7)
          yield partOf({ from, to: Math.min(from + 6, range.to) })
      },
      mayChangeFrom: undefined,
      mode,
      async republish({ facts, manifests }) {
        for (const fact of facts) for (const service of services) service.receive(fact)
        for (const state of Object.values(states)) state.manifests = [...new Set([...state.manifests, ...manifests])]
        published.push(...[...facts, ...manifests].map(({ event_id }) => event_id))
      },
      clock: {
        now: () => now,
        async sleep(ms) {
          now += ms
        }
      },
      repairWaitMs: 5_000
    },
    range,
    report
  )
  return { right, published, now, ...report.end(range), text: written.join('') }
}

test('what is equal is one row, and nothing is published or waited for', async () => {
  const { right, result, published, now, facts, text } = await run({})
  assert.deepEqual([right, result, published, now, facts], [true, 'equal', [], 0, 20])
  assert.equal(
    text,
    `blocks      chain     manifests  settlement    risk-engine   compliance    verdict
1-30        20 facts  2 ok       ok            ok            ok            ok
their rows  -         -          1 escrows ok  1 escrows ok  1 escrows ok  ok
equal: blocks 1 to 30, 20 facts, 2 manifests, 0 findings, 0 of them still wrong
`
  )
})

test('what is missing is published again with its own id, once, and is there', async () => {
  const lost = factsOf({ from: 6, to: 12 })
  const { right, result, published, text } = await run({
    spoil({ settlement, compliance }) {
      settlement.facts = settlement.facts.filter(({ block_number }) => block_number !== 6)
      compliance.facts = compliance.facts.filter(({ block_number }) => block_number < 6 || block_number > 12)
      compliance.manifests = tiling.slice(1)
    }
  })
  assert.deepEqual([right, result], [true, 'repaired'])
  const ids = [...lost, ...tiling.slice(0, 1)].map(({ event_id }) => event_id)
  assert.deepEqual(published.toSorted(), ids.toSorted())
  assert.match(text, /^1-7 +4 facts +0 ok +2 missing +ok +2 missing +repaired$/m)
  assert.match(text, /^8-14 +4 facts +1 missing +ok +ok +4 missing +repaired$/m)
  assert.match(text, /^repaired compliance: missing fact block=9 fact_id=\S+ escrow=0x\w+: ApprovalGranted$/m)
  assert.match(text, /^repaired compliance: missing manifest block=1: blocks 1 to 10/m)
})

test('without repair it is told and left', async () => {
  const { right, published, result } = await run({
    mode: 'report',
    spoil({ settlement }) {
      settlement.facts = settlement.facts.slice(1)
      settlement.faults = [fault('missing', 'state')]
    }
  })
  assert.deepEqual([right, published, result], [false, [], 'wrong'])
})

test('what doesn’t come in time stays wrong; what differs is named; missing rows are written', async () => {
  const { right, text, now } = await run({
    spoil({ settlement, 'risk-engine': risk }) {
      settlement.facts = settlement.facts.slice(1)
      settlement.inbox = new Set(['another'])
      Object.assign(settlement.inbox, { has: () => true })
      const [first, ...rest] = risk.facts
      if (first) risk.facts = [{ ...first, content_digest: '0'.repeat(64) }, ...rest]
      risk.faults = [fault('missing', 'position'), fault('altered', 'amount'), fault('extra', 'another')]
    }
  })
  assert.equal(right, false)
  assert.ok(now >= 5_000)
  const told = text
    .split('\n')
    .flatMap(line => /^(wrong|repaired) ([a-z-]+): (\w+) (\w+)/.exec(line)?.slice(1).join(' ') ?? [])
  assert.deepEqual(told, [
    'wrong settlement missing fact',
    'wrong risk-engine altered fact',
    'repaired risk-engine missing escrow',
    'wrong risk-engine altered escrow',
    'wrong risk-engine extra escrow'
  ])
  assert.match(text, /^wrong: blocks 1 to 30, 20 facts, 2 manifests, 5 findings, 4 of them still wrong$/m)
})

test('what was only on its way isn’t told', async () => {
  const { right, result, published } = await run({
    spoil({ compliance }) {
      compliance.facts = []
      compliance.late = 1
    }
  })
  assert.deepEqual([right, result, published], [true, 'equal', []])
})
