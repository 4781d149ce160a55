import { describeError, EXIT, PermanentError } from '@fusion-prime/runtime'
import { runDemo } from './demo/run.ts'
import { createTracker } from './demo/tracker.ts'
import type { DeployableName } from './deployables.ts'
import { readOptions, type StartOptions, USAGE } from './options.ts'
import { createJsonScreen, createTextScreen, type Screen, type Story } from './screen.ts'
import { type Stack, startStack } from './stack.ts'
import { assertNoOtherStack, removeStackFile, writeStackFile } from './stack-file.ts'

const write = (line: string): void => void process.stdout.write(`${line}\n`)

/** One Ctrl-C may arrive twice: from the terminal, and passed on by npm. */
const ONE_PRESS_MS = 1_000

/** Resolves at the first Ctrl-C or SIGTERM (a later one ends at once), and when the terminal or whoever reads is gone. */
const interrupted = new Promise<'interrupted'>(resolve => {
  let askedAt: number | undefined
  const ask = () => {
    askedAt ??= performance.now()
    if (performance.now() - askedAt > ONE_PRESS_MS) process.exit(EXIT.giveUp)
    resolve('interrupted')
  }
  const gone = () => resolve('interrupted')
  process.on('SIGINT', ask).on('SIGTERM', ask).on('SIGHUP', gone)
  process.stdout.on('error', gone)
  process.stderr.on('error', gone)
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
    if ((await Promise.race([interrupted, Promise.resolve('go on')])) === 'interrupted')
      return codeOfInterrupted(options)
    writeStackFile(options.stackFile, stack.file)
    screen.ready(stack.file)
    const work = runAll(stack, { options, screen, tracker })
    const ended = await Promise.race([work, interrupted, stack.processes.gaveUp])
    return ended === 'interrupted' ? codeOfInterrupted(options) : ended
  } finally {
    screen.progress('stopping')
    removeStackFile(options.stackFile)
    await stack.stop()
  }
}

/** A demo that was to be checked, and wasn't to the end, has shown nothing. */
const codeOfInterrupted = ({ once }: StartOptions): number => (once ? EXIT.giveUp : EXIT.done)

async function runAll(
  stack: Stack,
  { options, screen, tracker }: { options: StartOptions; screen: Screen; tracker: ReturnType<typeof createTracker> }
): Promise<number> {
  if (options.demo) {
    const result = await runDemo(stack, { tracker, onProgress: screen.progress, onStory: screen.story })
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
  const told = storyOf(entry)
  if (told) screen.story(told)
  if (entry.severity === 'ERROR' || entry.severity === 'CRITICAL')
    screen.notice(`${name}: ${entry.message} ${describeFields(entry)}`)
}

const OUTCOME = /^command_(processed|held|rejected|failed)$/

/** What settlement decided about a command, as its log tells it. */
function storyOf({ message, workflow_id, command_type, reason }: Record<string, unknown>): Story | undefined {
  const [, outcome] = OUTCOME.exec(String(message)) ?? []
  // What an operator decided is told by the demo itself, with the operator's words.
  if (!outcome || typeof workflow_id !== 'string' || reason === 'operator_resolution') return undefined
  const subject = workflow_id.split(':').at(-1) ?? workflow_id
  return { subject, event: `command ${command_type}`, outcome, reason: typeof reason === 'string' ? reason : null }
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
