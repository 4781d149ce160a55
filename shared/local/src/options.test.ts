import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readOptions } from './options.ts'

const refused: readonly [string[], RegExp][] = [
  [['--nonsense'], /Unknown option '--nonsense'\s+usage: npm start/],
  [['once'], /Unexpected argument 'once'/],
  [['--once', '--no-demo'], /--once is the demo/],
  [['--data', ''], /--data is empty: give a path/],
  [['--stack-file='], /--stack-file is empty: give a path/],
  [['--port-base', '80'], /--port-base is 80: give a number from 1024/],
  [['--port-base', '2e4.5'], /--port-base is 2e4\.5/]
]

for (const [args, message] of refused) {
  test(`npm start -- ${args.join(' ')} is refused`, () => {
    assert.throws(() => readOptions(args), { name: 'PermanentError', message })
  })
}
