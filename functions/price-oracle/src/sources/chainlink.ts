import { type Address, decodeFunctionResult, encodeFunctionData, type Hex, type PublicClient, parseAbi } from 'viem'
import { Decimal, parseDecimal } from '../decimal.ts'
import { ageFault, type Reading } from '../reading.ts'

const abi = parseAbi([
  'function decimals() view returns (uint8)',
  'function latestRoundData() view returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)'
])

const WORD_CHARACTERS = 64
const MAX_UINT80 = 2n ** 80n - 1n
/** Digits after the point that a price may have; a feed with more isn't one. */
const MAX_DECIMALS = 36

export type ChainlinkFeed = { feed: Address; heartbeatSeconds: number; graceSeconds: number }

/** The answer to `latestRoundData`, checked as Chainlink asks its readers to. `now` in milliseconds since 1970. */
export function parseRound(
  result: Hex,
  {
    decimals,
    heartbeatSeconds,
    graceSeconds,
    now
  }: { decimals: number; heartbeatSeconds: number; graceSeconds: number; now: number }
): Reading {
  if (result.length !== 2 + 5 * WORD_CHARACTERS) return { refused: 'malformed' } // a revert's reason has another length
  const [roundId, answer, , updatedAt, answeredInRound] = decodeFunctionResult({
    abi,
    functionName: 'latestRoundData',
    data: result
  })
  if (roundId > MAX_UINT80 || answeredInRound > MAX_UINT80) return { refused: 'malformed' }
  if (answer <= 0n) return { refused: 'not_positive' }
  if (answeredInRound < roundId) return { refused: 'round_incomplete' }
  const maxAgeSeconds = heartbeatSeconds + graceSeconds
  const fault = ageFault({ observedAt: Number(updatedAt) * 1000, now, maxAgeSeconds })
  if (fault) return { refused: fault }
  const price = parseDecimal(new Decimal(answer.toString()).times(new Decimal(10).pow(-decimals)).toFixed())
  return price ? { price } : { refused: 'malformed' }
}

/** Asks a feed for its decimals and its latest round; the client sends both in one request. */
export async function readChainlink(
  client: PublicClient,
  { feed, heartbeatSeconds, graceSeconds }: ChainlinkFeed,
  now: () => number
): Promise<Reading> {
  const call = async (functionName: 'decimals' | 'latestRoundData'): Promise<Hex> => {
    const { data } = await client.call({ to: feed, data: encodeFunctionData({ abi, functionName }) })
    return data ?? '0x'
  }
  const [round, decimalsWord] = await Promise.all([call('latestRoundData'), call('decimals')])
  const decimals = decimalsWord.length === 2 + WORD_CHARACTERS ? BigInt(decimalsWord) : undefined
  if (decimals === undefined || decimals > MAX_DECIMALS) return { refused: 'malformed' }
  return parseRound(round, { decimals: Number(decimals), heartbeatSeconds, graceSeconds, now: now() })
}
