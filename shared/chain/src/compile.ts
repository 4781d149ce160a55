import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import solc from 'solc'

type Parameter = { name: string; type: string; indexed?: boolean }
type AbiItem = {
  type: string
  name?: string
  inputs?: Parameter[]
  outputs?: Parameter[]
  stateMutability?: string
}
type Output = {
  errors?: { severity: string; formattedMessage: string }[]
  contracts: Record<string, Record<string, { abi: AbiItem[]; evm: { bytecode: { object: string } } }>>
}

const packageFolder = join(import.meta.dirname, '..')
const contractsFolder = join(packageFolder, 'contracts')

/** The module in `src/abi` of each contract that is deployed by itself, by the source file named after it. */
const modules = {
  'Escrow.sol': 'escrow',
  'EscrowFactory.sol': 'escrow-factory',
  'test/BothParties.sol': 'both-parties',
  'test/PriceAggregator.sol': 'price-aggregator',
  'test/Reenterer.sol': 'reenterer',
  'test/RefusingParty.sol': 'refusing-party'
}

// No metadata in the bytecode: it hashes comments and paths, and the bytecode must be the same everywhere.
const settings = {
  optimizer: { enabled: true, runs: 200 },
  evmVersion: 'shanghai',
  metadata: { bytecodeHash: 'none', appendCBOR: false },
  outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } }
}

/** Compiles all contracts: the content of each generated file by its path from the repository's root. Throws with the compiler's words. */
export function compiled(): Map<string, string> {
  const contracts = compile()
  return new Map(
    Object.entries(modules).map(([source, module]) => [`shared/chain/src/abi/${module}.ts`, render(contracts, source)])
  )
}

function compile(): Output['contracts'] {
  const files = readdirSync(contractsFolder, { recursive: true, encoding: 'utf8' }).filter(file =>
    file.endsWith('.sol')
  )
  const sources = Object.fromEntries(
    files.sort().map(file => [file, { content: readFileSync(join(contractsFolder, file), 'utf8') }])
  )
  // solc's output is JSON of this documented shape: https://docs.soliditylang.org/en/latest/using-the-compiler.html
  const output = JSON.parse(solc.compile(JSON.stringify({ language: 'Solidity', sources, settings }))) as Output
  // Warnings stop it too: these contracts hold money.
  if (output.errors?.length) throw new Error(output.errors.map(error => error.formattedMessage).join('\n'))
  return output.contracts
}

function render(contracts: Output['contracts'], source: string): string {
  const name = source.replace(/^.*\/|\.sol$/g, '')
  const contract = contracts[source]?.[name]
  if (!contract) throw new Error(`${source} has no contract ${name}`)
  const constant = `${name.slice(0, 1).toLowerCase()}${name.slice(1)}`
  const bytecode = `export const ${constant}Bytecode =\n  '0x${contract.evm.bytecode.object}'\n`
  const origin = `// Generated from contracts/${source} by src/compile.ts: change that and run it again.\n`
  const signatures = contract.abi.map(item => `  '${signature(item)}'`).join(',\n')
  return `${origin}import { parseAbi } from 'viem'\n\nexport const ${constant}Abi = parseAbi([\n${signatures}\n])\n\n${bytecode}`
}

/** An ABI item in Solidity's words, as viem's `parseAbi` reads it: `function approve()`. */
function signature({ type, name, inputs = [], outputs = [], stateMutability }: AbiItem): string {
  if (type === 'receive') return 'receive() external payable'
  const head = type === 'constructor' ? type : `${type} ${name}`
  const mutability = !stateMutability || stateMutability === 'nonpayable' ? '' : ` ${stateMutability}`
  const returns = outputs.length > 0 ? ` returns (${outputs.map(parameter).join(', ')})` : ''
  return `${head}(${inputs.map(parameter).join(', ')})${mutability}${returns}`
}

const parameter = ({ type, indexed, name }: Parameter): string =>
  [type, indexed ? 'indexed' : '', name].filter(Boolean).join(' ')

if (import.meta.main) {
  const root = join(packageFolder, '../..')
  for (const [path, content] of compiled()) writeFileSync(join(root, path), content)
}
