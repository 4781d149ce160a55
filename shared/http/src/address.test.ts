import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseAddress } from './address.ts'
import { HttpProblem } from './problem.ts'

/** https://eips.ethereum.org/EIPS/eip-55#test-cases */
const vectors = [
  '0x52908400098527886E0F7030069857D2E4169EE7',
  '0x8617E340B3D01FA5F11F306F4090FD50E238070D',
  '0xde709f2102306220921060314715629080e2fb77',
  '0x27b1fdb04752bbc536007a920d24acb045561c26',
  '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
  '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359',
  '0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB',
  '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb'
]

describe('an address', () => {
  for (const address of vectors) {
    const lower = address.toLowerCase()
    test(`${address} is read in its own case, in lower and in upper case`, () => {
      for (const text of [address, lower, `0x${address.slice(2).toUpperCase()}`, `0X${lower.slice(2)}`]) {
        assert.equal(parseAddress(text), lower)
      }
    })
  }

  test('with one letter in the wrong case it is refused, whichever letter', () => {
    const address = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'
    const letters = [...address].flatMap((letter, index) => (index > 1 && /[a-f]/i.test(letter) ? index : []))
    for (const index of letters) {
      const letter = address.charAt(index)
      const other = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()
      const slip = address.slice(0, index) + other + address.slice(index + 1)
      assert.throws(
        () => parseAddress(slip),
        new HttpProblem(400, `${slip} has a wrong checksum: check it, or write it in lower case`)
      )
    }
  })

  const zeros = '0'.repeat(40)
  for (const text of [
    '',
    '0x',
    zeros,
    `0x${zeros}0`,
    `0x${zeros.slice(1)}`,
    `0x${zeros.slice(1)}g`,
    ` 0x${zeros}`,
    `0x${zeros}\n`,
    'vitalik.eth',
    'x'.repeat(5_000)
  ]) {
    test(`${JSON.stringify(text.slice(0, 50))} isn’t one: 400`, () => {
      assert.throws(
        () => parseAddress(text),
        (error: unknown) => error instanceof HttpProblem && error.status === 400 && error.message.length < 200
      )
    })
  }
})
