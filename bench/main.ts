import { describeError, EXIT, PermanentError } from '@fusion-prime/runtime'
import { benchBroker } from './broker.ts'
import { type BenchOptions, readOptions, USAGE } from './options.ts'
import { benchPush } from './push.ts'
import { benchRelayer } from './relayer.ts'
import { formatRelayer, relayerLines } from './relayer-report.ts'
import { brokerLines, describeEndpoints, describeMachine, formatLines, pushLines } from './report.ts'

type Progress = { onProgress(step: string): void }
/** `text` for people; `lines` the same figures for programs. */
type Report = { text: string; lines: readonly object[]; postgres: string | undefined }

const write = (text: string): void => void process.stdout.write(`${text}\n`)

async function main(options: BenchOptions): Promise<void> {
  const startedAt = performance.now()
  const onProgress = (step: string) => {
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0)
    process.stderr.write(`${seconds.padStart(4)} s  ${step}\n`)
  }
  const measure = options.relayer ? measureRelayer : measureServices
  const { text, lines, postgres } = await measure({ ...options, onProgress })
  const machine = describeMachine(postgres)
  const command = ['npm run bench --', ...process.argv.slice(2)].join(' ')
  if (options.json) write(JSON.stringify({ machine, command, ...options, lines }))
  else write([text, machine, command].join('\n'))
}

async function measureServices(options: BenchOptions & Progress): Promise<Report> {
  const { rounds, brokerMessages: messages, onProgress } = options
  const broker = options.broker ? await benchBroker({ rounds, messages, onProgress }) : []
  const push = options.push ? await benchPush(options) : undefined
  const lines = [...brokerLines(broker), ...pushLines(push?.results ?? [])]
  const text = [formatLines(lines), '', describeEndpoints(), '', explain(options)].join('\n')
  return { text, lines, postgres: push?.postgres }
}

async function measureRelayer(options: BenchOptions & Progress): Promise<Report> {
  const { postgres, results } = await benchRelayer(options)
  const lines = relayerLines(results)
  return { text: `${formatRelayer(lines)}\n`, lines, postgres }
}

const explain = ({ rounds, messages, concurrency, brokerMessages }: BenchOptions): string =>
  `${rounds} rounds; broker: ${brokerMessages} messages a round; pushes: ${messages} a round to each endpoint in turn, ${concurrency} at once`

try {
  const options = readOptions(process.argv.slice(2))
  if (options === 'help') write(USAGE)
  else await main(options)
} catch (error) {
  process.stderr.write(`${error instanceof PermanentError ? error.message : `failed: ${describeError(error)}`}\n`)
  process.exitCode = EXIT.giveUp
}
