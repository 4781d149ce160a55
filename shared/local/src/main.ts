import { describeError, EXIT, PermanentError } from '@fusion-prime/runtime'
import { runDemo } from './demo/run.ts'
import { createTracker } from './demo/tracker.ts'
import type { DeployableName } from './deployables.ts'
import { readOptions, type StartOptions, USAGE } from './options.ts'
import { createJsonScreen, createTextScreen, type Screen } from './screen.ts'
import { type Stack, startStack } from './stack.ts'
import { assertNoOtherStack, removeStackFile, writeStackFile } from './stack-file.ts'

const write = (line: string): void => void process.stdout.write(`${line}\n`)

/** Resolves at the first Ctrl-C or SIGTERM; the second one ends at once. */
const interrupted = new Promise<'interrupted'>(resolve => {
  let asked = false
  const ask = () => {
    if (asked) process.exit(EXIT.giveUp)
    asked = true
    resolve('interrupted')
  }
  process.on('SIGINT', ask).on('SIGTERM', ask)
})

async function main(options: StartOptions): Promise<number> {
  assertNoOtherStack(options.stackFile)
  const screen = options.json ? createJsonScreen(write) : createTextScreen(write)
  const tracker = createTracker(screen.stage)
  const starting = startStack({
    ...options,
    onProgress: screen.progress,
    onLog: (name, entry, line) =>
      entry ? onEntry({ name, entry, screen, tracked: tracker.logged }) : screen.notice(`${name}: ${line}`)
  })
  // Whoever presses Ctrl-C while it starts waits for what is under way, then everything is stopped.
  const stack = await starting
  try {
    if ((await Promise.race([interrupted, Promise.resolve('go on')])) === 'interrupted') return EXIT.done
    writeStackFile(options.stackFile, stack.file)
    screen.ready(stack.file)
    const work = runAll(stack, { options, screen, tracker })
    const ended = await Promise.race([work, interrupted, stack.processes.gaveUp])
    return ended === 'interrupted' ? EXIT.done : ended
  } finally {
    screen.progress('stopping')
    removeStackFile(options.stackFile)
    await stack.stop()
  }
}

async function runAll(
  stack: Stack,
  { options, screen, tracker }: { options: StartOptions; screen: Screen; tracker: ReturnType<typeof createTracker> }
): Promise<number> {
  if (options.demo) {
    screen.progress('the demo: escrows are created, approved, released and refunded')
    const result = await runDemo(stack, {
      tracker,
      onWaiting: () => screen.progress('all mined; waiting until the blocks are final')
    })
    screen.result(result)
    if (options.once) return result.faults.length === 0 ? EXIT.done : EXIT.giveUp
  }
  screen.progress('running until Ctrl-C')
  return new Promise(() => {})
}

/** Errors of the deployables belong on the screen; the rest of their log only moves the story on. */
function onEntry(line: {
  name: DeployableName
  entry: Record<string, unknown>
  screen: Screen
  tracked(entry: Record<string, unknown>): void
}): void {
  const { entry, screen, name } = line
  line.tracked(entry)
  if (entry.severity === 'ERROR' || entry.severity === 'CRITICAL')
    screen.notice(`${name}: ${entry.message} ${describeFields(entry)}`)
}

function describeFields({ reason, detail, error, anomalies, address }: Record<string, unknown>): string {
  const cause = typeof error === 'object' && error !== null && 'message' in error ? error.message : undefined
  return [reason, detail, cause, anomalies, address].filter(part => part !== undefined).join(': ')
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options === 'help') write(USAGE)
  else process.exitCode = await main(options)
} catch (error) {
  console.error(error instanceof PermanentError ? error.message : `failed: ${describeError(error)}`)
  process.exitCode = EXIT.giveUp
}
process.exit()
