import { type ConsumeDeps, startService } from '@fusion-prime/http'
import { createLog, run } from '@fusion-prime/runtime'
import { settlement } from '@fusion-prime/settlement'

type Group = NonNullable<ConsumeDeps['group']>

/** Every message is a transaction of its own, as many at once as the pool has connections. */
const alone: Group = ({ commit }) => ({
  async submit(item) {
    const [settled] = await commit([item])
    if (!settled) throw new Error('the commit gave no answer')
    return settled
  },
  size: () => 0
})

/** Every message counts as new, and nothing is stored. */
const nowhere: Group = () => ({ submit: async () => ({ claim: 'new', announced: false }), size: () => 0 })

const groups = new Map([
  ['alone', alone],
  ['nowhere', nowhere]
])

/* Settlement as its own main.ts starts it, except for the one part that `process.argv` names. */
const name = process.argv[2] ?? ''
const group = groups.get(name)
if (!group) throw new Error(`${name} is no variant: choose from ${[...groups.keys()].join(', ')}`)
const log = createLog('settlement')
const service = {
  ...settlement,
  create: (parts, config) => settlement.create({ ...parts, group }, config)
} satisfies typeof settlement
await run(log, () => startService(service, { env: process.env, log }))
