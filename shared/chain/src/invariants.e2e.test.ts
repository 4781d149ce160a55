import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { AMOUNT, createFixture, type Fixture, REFUND_DELAY, type Role } from './contracts-fixture.ts'
import { type Address, EscrowError, type EscrowState } from './index.ts'

const RUNS = 40
const RELEASE_DELAY = 500n

let fixture: Fixture
before(async () => {
  fixture = await createFixture()
})
after(() => fixture?.chain.stop())

type Deed =
  | { does: 'approve'; by: Role }
  | { does: 'release'; by: Role }
  | { does: 'refund'; by: Role }
  | { does: 'changeArbiter'; by: Role; arbiter: Role }
type Action = Deed | { does: 'wait'; seconds: bigint }

/** The rules once more, as plainly as possible: which roles hold, who has voted, how it ended. */
type Model = {
  required: number
  holders: Role[]
  voted: Set<number>
  status: EscrowState['status']
  /** Seconds after the release time. */
  now: bigint
}

function allows(model: Model, action: Deed): boolean {
  if (model.status !== 'active') return false
  const seat = model.holders.indexOf(action.by)
  if (action.does === 'approve') return seat >= 0 && seat < model.required && !model.voted.has(seat)
  if (action.does === 'release') return model.voted.size >= model.required && model.now >= 0n
  if (action.does === 'refund') return seat === 0 && model.now >= REFUND_DELAY
  return seat === 2 && action.arbiter !== 'nobody' && !model.holders.includes(action.arbiter)
}

function apply(model: Model, action: Deed): void {
  if (action.does === 'approve') model.voted.add(model.holders.indexOf(action.by))
  if (action.does === 'release') model.status = 'released'
  if (action.does === 'refund') model.status = 'refunded'
  if (action.does === 'changeArbiter') model.holders[2] = action.arbiter
}

const anyone = fc.constantFrom<Role>('payer', 'payee', 'arbiter', 'successor', 'stranger')
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ does: fc.constant('approve' as const), by: anyone }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('release' as const), by: anyone }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('refund' as const), by: anyone }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('changeArbiter' as const), by: anyone, arbiter: anyone }) },
  {
    weight: 3,
    arbitrary: fc.record({ does: fc.constant('wait' as const), seconds: fc.constantFrom(100n, 499n, 1_000n) })
  }
)
const terms = fc.constantFrom(
  { approvalsRequired: 1, arbiter: 'nobody' } as const,
  { approvalsRequired: 2, arbiter: 'arbiter' } as const,
  { approvalsRequired: 3, arbiter: 'arbiter' } as const
)

test('in any order of actions an escrow does what its rules say, holds its deposit or nothing, and ends once', async () => {
  await fc.assert(
    fc.asyncProperty(terms, fc.array(action, { minLength: 4, maxLength: 14 }), async (agreed, actions) => {
      const { client, roles, factory, reader } = fixture
      const { payer: from, payee } = roles
      const arbiter = roles[agreed.arbiter]
      const { escrow, blockNumber } = await client.createEscrow({
        ...{ from, factory, payee, arbiter, amount: AMOUNT, releaseDelay: RELEASE_DELAY },
        approvalsRequired: agreed.approvalsRequired
      })
      const model: Model = {
        required: agreed.approvalsRequired,
        holders: ['payer', 'payee', agreed.arbiter],
        voted: new Set(),
        status: 'active',
        now: -RELEASE_DELAY
      }
      for (const step of actions) await takeStep(escrow, model, step)
      const state = await client.readEscrow(escrow)
      assert.equal(state.status, model.status)
      assert.equal(state.approvals, model.voted.size)
      assert.equal(state.arbiter, roles[model.holders[2] ?? 'nobody'])
      const ends = await reader.getLogs({ address: escrow, fromBlock: blockNumber })
      assert.equal(ends.filter(log => log.data.length === 130).length, model.status === 'active' ? 0 : 1)
    }),
    { numRuns: RUNS }
  )
})

async function takeStep(escrow: Address, model: Model, step: Action): Promise<void> {
  const { setTime, client, roles, reader } = fixture
  if (step.does === 'wait') {
    model.now += step.seconds
    return
  }
  // The clock stands still between steps, whatever time the test itself takes.
  await setTime(escrow, model.now)
  const call = { from: roles[step.by], escrow }
  const done =
    step.does === 'changeArbiter'
      ? client.changeArbiter({ ...call, arbiter: roles[step.arbiter] })
      : client[step.does](call)
  const refusal = await done.then(
    () => undefined,
    error => error
  )
  if (refusal !== undefined) assert.ok(refusal instanceof EscrowError, refusal)
  assert.equal(refusal === undefined, allows(model, step), `${JSON.stringify(step)}: ${refusal ?? 'done'}`)
  if (refusal === undefined) apply(model, step)
  assert.equal(await reader.getBalance({ address: escrow }), model.status === 'active' ? AMOUNT : 0n)
}
