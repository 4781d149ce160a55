import type { Fault } from './fault.ts'
import { blockFaults } from './faults-blocks.ts'
import { errorFaults } from './faults-errors.ts'
import { httpFaults } from './faults-http.ts'
import { logFaults } from './faults-logs.ts'

/** Every way in which the proxy can misbehave. */
const all = { ...logFaults, ...blockFaults, ...errorFaults, ...httpFaults }

export type FaultName = keyof typeof all
export const faults: Readonly<Record<FaultName, Fault>> = all
// The keys of the object above.
export const faultNames = Object.keys(all) as FaultName[]

/** Those that a provider answers as long as a range is too wide or has too many logs. */
export const limits: readonly FaultName[] = [
  'more_than_results',
  'response_too_big',
  'range_limited',
  'range_too_wide',
  'range_free_tier',
  'range_suggested',
  'range_suggested_nonsense',
  'query_timeout'
]
