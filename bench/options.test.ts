import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readOptions } from './options.ts'
import { median, quantile } from './statistics.ts'

describe('options of the benchmark', () => {
  test('all, unless one part is asked for', () => {
    const { broker, push, fsync } = Object(readOptions([]))
    assert.deepEqual({ broker, push, fsync }, { broker: true, push: true, fsync: true })
    const only = Object(readOptions(['--only', 'push', '--fsync', 'off', '--rounds', '2']))
    assert.deepEqual([only.broker, only.push, only.fsync, only.rounds], [false, true, false, 2])
    assert.equal(readOptions(['--help']), 'help')
  })

  test('the relayer only when it is named, by either way of naming a part', () => {
    for (const args of [
      ['relayer', '--quick'],
      ['--only', 'relayer', '--quick']
    ]) {
      const { broker, push, relayer, rounds, size } = Object(readOptions(args))
      assert.deepEqual(
        { broker, push, relayer, rounds, size },
        {
          broker: false,
          push: false,
          relayer: true,
          rounds: 1,
          size: 'quick'
        }
      )
    }
    const { relayer, rounds } = Object(readOptions(['push']))
    assert.deepEqual({ relayer, rounds }, { relayer: false, rounds: 5 })
  })

  for (const args of [
    ['--rounds', '0'],
    ['--messages', 'many'],
    ['--only', 'pull'],
    ['--fsync', 'maybe'],
    ['--fast'],
    ['--quick'],
    ['--profile', 'push'],
    ['--only', 'push', 'broker']
  ]) {
    test(`${args.join(' ')} is refused, by name`, () => {
      assert.throws(() => readOptions(args), new RegExp(args[0] ?? ''))
    })
  }
})

describe('statistics', () => {
  test('a quantile lies between its neighbours; the order of the values doesn’t matter', () => {
    assert.deepEqual([median([3, 1, 2]), median([4, 1, 3, 2]), median([7])], [2, 2.5, 7])
    const hundred = Array.from({ length: 101 }, (_, index) => 100 - index)
    assert.deepEqual([quantile(hundred, 0), quantile(hundred, 0.99), quantile(hundred, 1)], [0, 99, 100])
  })

  test('of nothing there is none', () => {
    assert.throws(() => median([]), /no values/)
  })
})
