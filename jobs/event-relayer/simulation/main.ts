import { startPostgres } from '@fusion-prime/local'
import { describeError, EXIT } from '@fusion-prime/runtime'
import { type Options, readOptions, USAGE } from './options.ts'
import { createReport } from './report.ts'
import { startWorker } from './worker-process.ts'

const write = (text: string): void => void process.stdout.write(`${text}\n`)

/** Plays seeds in worker processes until enough of them count; answers whether all is as it should be. */
async function simulate(options: Options): Promise<boolean> {
  const names = Array.from({ length: options.workers }, (_, at) => `simulation_${at + 1}`)
  const postgres = await startPostgres({ databases: names })
  const workers = names.map(name => startWorker(postgres.urls[name] ?? ''))
  const report = createReport({ options, write, stderr: process.stderr })
  let seed = options.from
  try {
    await Promise.all(
      workers.map(async worker => {
        while (!report.isComplete()) report.add(await worker.play({ seed: seed++, without: options.without }))
      })
    )
    return report.finish()
  } finally {
    for (const worker of workers) worker.stop()
    await postgres.stop()
  }
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options === 'help') write(USAGE)
  else process.exitCode = (await simulate(options)) ? EXIT.done : EXIT.giveUp
} catch (error) {
  console.error(describeError(error))
  process.exitCode = EXIT.giveUp
}
