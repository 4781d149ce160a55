import { bytesToHex } from './hex.ts'
import { keccak256 } from './keccak.ts'
import { createRlpWriter } from './rlp.ts'

/** The fields of an `eth_getBlockByNumber` answer that its hash covers, and the hash, in hex. Later forks added the optional ones. */
export type RpcHeader = {
  hash: string
  parentHash: string
  sha3Uncles: string
  miner: string
  stateRoot: string
  transactionsRoot: string
  receiptsRoot: string
  logsBloom: string
  difficulty: string
  number: string
  gasLimit: string
  gasUsed: string
  timestamp: string
  extraData: string
  mixHash: string
  nonce: string
  baseFeePerGas?: string | null
  withdrawalsRoot?: string | null
  blobGasUsed?: string | null
  excessBlobGas?: string | null
  parentBeaconBlockRoot?: string | null
  requestsHash?: string | null
}

type Field = { name: keyof RpcHeader; bytes?: number; quantity?: true }

// In the order of the encoding. Yellow Paper §4.4.3; the later ones by EIP-1559, 4895, 4844, 4788 and 7685.
const frontier: readonly Field[] = [
  { name: 'parentHash', bytes: 32 },
  { name: 'sha3Uncles', bytes: 32 },
  { name: 'miner', bytes: 20 },
  { name: 'stateRoot', bytes: 32 },
  { name: 'transactionsRoot', bytes: 32 },
  { name: 'receiptsRoot', bytes: 32 },
  { name: 'logsBloom', bytes: 256 },
  { name: 'difficulty', quantity: true },
  { name: 'number', quantity: true },
  { name: 'gasLimit', quantity: true },
  { name: 'gasUsed', quantity: true },
  { name: 'timestamp', quantity: true },
  { name: 'extraData' },
  { name: 'mixHash', bytes: 32 },
  { name: 'nonce', bytes: 8 }
]
const london: readonly Field[] = [...frontier, { name: 'baseFeePerGas', quantity: true }]
const shanghai: readonly Field[] = [...london, { name: 'withdrawalsRoot', bytes: 32 }]
const cancun: readonly Field[] = [
  ...shanghai,
  { name: 'blobGasUsed', quantity: true },
  { name: 'excessBlobGas', quantity: true },
  { name: 'parentBeaconBlockRoot', bytes: 32 }
]
const prague: readonly Field[] = [...cancun, { name: 'requestsHash', bytes: 32 }]

const forks = [frontier, london, shanghai, cancun, prague]
const unhashed = ['hash', 'size', 'totalDifficulty', 'transactions', 'uncles', 'withdrawals']
const known = new Set<string>([...prague.map(({ name }) => name), ...unhashed])

/**
 * The hash that the header's fields give, for Ethereum's formats from Frontier to Osaka. Throws on fields that fit none of them,
 * and where the given `hash` differs and an unknown field, of a later fork perhaps, may be why.
 */
export function headerHash(header: Omit<RpcHeader, 'hash'> & { hash?: string }): string {
  const writer = createRlpWriter()
  for (const field of fieldsOf(header).toReversed()) {
    if (field.quantity) writer.quantity(header[field.name], field)
    else writer.data(header[field.name], field)
  }
  writer.list(0)
  const hash = bytesToHex(keccak256(writer.view(0)))
  if (header.hash !== undefined && header.hash !== hash) refuseUnknown(header)
  return hash
}

/** The fields of the oldest fork that has all of the header's; it has to have all of that fork's. */
function fieldsOf(header: Partial<RpcHeader>): readonly Field[] {
  const has = ({ name }: Field) => header[name] !== undefined && header[name] !== null
  const fields = forks.find(fork => !prague.slice(fork.length).some(has)) ?? prague
  const missing = fields.filter(field => !has(field)).map(({ name }) => name)
  if (missing.length === 0) return fields
  throw new Error(
    `the header of block ${String(header.number).slice(0, 18)} fits no known fork: with ${fields.findLast(has)?.name} it lacks ${missing.join(', ')}; use another provider, or add the chain's format`
  )
}

function refuseUnknown(header: object): void {
  const unknown = Object.keys(header).filter(name => !known.has(name))
  if (unknown.length === 0) return
  throw new Error(
    `the hash of a header isn't that of its known fields, and it has unknown ones: ${unknown.join(', ').slice(0, 200)}; a later fork may hash them`
  )
}
