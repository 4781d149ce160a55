import { PermanentError } from '@fusion-prime/runtime'
import type { Header, RawLog } from '../chain.ts'
import type { OmissionCheck } from '../config.ts'
import { agree } from './agree.ts'
import { factoriesOf } from './births.ts'
import type { Finding } from './finding.ts'
import { type Gathered, gather, type Wanted } from './gather.ts'
import { prove } from './prove.ts'
import type { Reader } from './reader.ts'

/** A range whose logs can be committed. */
export type VerifiedRange = {
  headers: Header[]
  /** Of watched addresses and of the escrows that were born, in chain order, each once. */
  logs: RawLog[]
  /** Escrows deployed in the range, to their factories. They aren't in the watch set yet. */
  born: Map<string, string>
  findings: Finding[]
  /** About how many bytes of memory headers and logs take. */
  bytes: number
}

/**
 * Reads a range through the first of the readers; the others give proof. What was omitted is put right and told as a finding.
 * The watch set has to hold what the ranges before bore. With `receipts` the chain's header format has to be known.
 * Throws ChainMoved after a reorganisation, WrongAnswer for what the first reader's chain can't hold, RpcFault for what can't be read or proven now.
 */
export async function readRange({
  readers,
  check,
  ...wanted
}: Wanted & { readers: readonly [Reader, ...Reader[]]; check: OmissionCheck }): Promise<VerifiedRange> {
  const gathered = await gather(readers[0], wanted)
  const { logs, births, findings } = await checked(gathered)
  const { headers } = gathered
  return { headers, logs, born: factoriesOf(births), findings, bytes: sizeOf({ headers, logs }) }

  async function checked(gathered: Gathered) {
    switch (check) {
      case 'receipts':
        if (readers[0].format === 'unknown')
          throw new PermanentError(
            'OMISSION_CHECK=receipts proves nothing on a chain whose header format is unknown: use second-provider'
          )
        return prove(readers, { gathered, ...wanted })
      case 'second-provider':
        return { ...gathered, findings: await agree(readers, { gathered, wanted }) }
      case 'off':
        return { ...gathered, findings: [] }
      default:
        return check satisfies never
    }
  }
}

const HEADER_BYTES = 1_000
const LOG_BYTES = 700

function sizeOf({ headers, logs }: { headers: readonly Header[]; logs: readonly RawLog[] }): number {
  return logs.reduce((bytes, log) => bytes + LOG_BYTES + log.data.length, headers.length * HEADER_BYTES)
}
