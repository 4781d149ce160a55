import type { Range } from '../src/chain.ts'
import { classify, type Refusal } from '../src/providers/classify.ts'
import { RpcFault } from '../src/providers/rpc.ts'
import type { FaultKind, Faults } from './faults.ts'
import type { ProviderPlan } from './model-provider.ts'
import type { Random } from './random.ts'

/** A provider's refusals: each throws an RpcFault with the advice that the relayer itself reads from such an answer. */
export type Refusals = {
  /** Any call may fail. */
  transport(method: string): void
  range(range: Range, question: { address?: string | readonly string[] }): void
  results(count: number, range: Range): void
}

export const unknownMethod = (method: string): RpcFault =>
  toFault(rpcError(-32601, `the method ${method} does not exist/is not available`))
export const unknownBlock = (): RpcFault => toFault(rpcError(-32000, 'unknown block'))

const hex = (value: number) => `0x${value.toString(16)}`

const rangeWordings = [
  (max: number) => rpcError(-32614, `eth_getLogs is limited to a ${max} range`),
  (max: number) => rpcError(-32005, `Maximum allowed number of requested blocks is ${max}`),
  (max: number) => rpcError(-32000, `block range too large, maximum allowed is ${max} blocks`),
  () => rpcError(-32600, 'block range is too wide')
]

const resultWordings = [
  () => rpcError(-32005, 'query returned more than 10000 results'),
  ({ from, to }: Range) => {
    const half = from + Math.floor((to - from) / 2)
    return rpcError(-32602, `Log response size exceeded. this block range should work: [${hex(from)}, ${hex(half)}]`)
  },
  () => rpcError(-32008, 'Response is too big')
]

export function createRefusals({
  plan,
  random,
  faults
}: {
  plan: ProviderPlan
  random: Random
  faults: Faults
}): Refusals {
  const wordRange = random.pick(rangeWordings)
  const wordResults = random.pick(resultWordings)
  const fail = (kind: FaultKind, refusal: Refusal, asked?: Range): never => {
    faults.note(kind, plan.url)
    throw toFault(refusal, asked)
  }
  return {
    transport(method) {
      if (faults.strikes('rate_limited', 0.02)) {
        const headers = random.chance(0.5) ? { 'retry-after': String(random.int(1, 30)) } : {}
        fail('rate_limited', { status: 429, headers, body: 'Too Many Requests' })
      }
      if (faults.strikes('server_error', 0.02)) {
        const body = random.pick([
          '',
          '<html><title>502 Bad Gateway</title></html>',
          '{"jsonrpc":"2.0","id":1,"result":[{"a'
        ])
        fail('server_error', { status: body === '' ? 200 : 502, body })
      }
      if (faults.strikes('timeout', 0.01)) {
        faults.note('timeout', plan.url)
        throw new RpcFault(`${plan.url} did not answer ${method} in time`, { kind: 'retry' })
      }
    },
    range({ from, to }, { address }) {
      if (plan.maxBlocks !== undefined && to - from + 1 > plan.maxBlocks)
        fail('range_limit', wordRange(plan.maxBlocks), { from, to })
      if (plan.maxAddresses !== undefined && Array.isArray(address) && address.length > plan.maxAddresses)
        fail('address_limit', rpcError(-32602, 'exceed max addresses or topics per search position'), { from, to })
    },
    results(count, range) {
      // A block of its own is always answered: nobody could narrow it.
      if (plan.maxResults !== undefined && count > plan.maxResults && range.to > range.from)
        fail('result_limit', wordResults(range), range)
    }
  }
}

const rpcError = (code: number, message: string): Refusal => ({
  status: 200,
  body: JSON.stringify({ jsonrpc: '2.0', id: 1, error: { code, message } })
})

function toFault(refusal: Refusal, asked?: Range): RpcFault {
  return new RpcFault(`the provider refused: ${refusal.body.slice(0, 200)}`, classify(refusal, { asked, now: 0 }))
}
