import { describeError, EXIT, PermanentError } from '@fusion-prime/runtime'
import { benchBroker } from './broker.ts'
import { type BenchOptions, readOptions, USAGE } from './options.ts'
import { benchPush } from './push.ts'
import { brokerLines, describeEndpoints, describeMachine, formatLines, pushLines } from './report.ts'

const write = (text: string): void => void process.stdout.write(`${text}\n`)

async function main(options: BenchOptions): Promise<void> {
  const startedAt = performance.now()
  const onProgress = (step: string) => {
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0)
    process.stderr.write(`${seconds.padStart(4)} s  ${step}\n`)
  }
  const { rounds, brokerMessages } = options
  const broker = options.broker ? await benchBroker({ rounds, messages: brokerMessages, onProgress }) : []
  const push = options.push ? await benchPush({ ...options, onProgress }) : undefined
  const lines = [...brokerLines(broker), ...pushLines(push?.results ?? [])]
  const machine = describeMachine(push?.postgres)
  const command = ['npm run bench --', ...process.argv.slice(2)].join(' ')
  if (options.json) write(JSON.stringify({ machine, command, ...options, lines }))
  else write([formatLines(lines), '', describeEndpoints(), '', explain(options), machine, command].join('\n'))
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
