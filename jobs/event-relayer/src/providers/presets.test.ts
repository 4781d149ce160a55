import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PermanentError } from '@fusion-prime/runtime'
import { resolveUrls } from './presets.ts'
import { providerId, redactor } from './provider-url.ts'

test('URLs stand as they are; public adds the chain’s, each once', () => {
  assert.deepEqual(resolveUrls('http://a:1/x, https://b/y', 31337), ['http://a:1/x', 'https://b/y'])
  const urls = resolveUrls('https://1rpc.io/eth,public', 1)
  assert.equal(urls[0], 'https://1rpc.io/eth')
  assert.ok(urls.length > 2)
  assert.equal(new Set(urls).size, urls.length)
})

for (const [what, text, says] of [
  ['not a URL', 'https://ok/,s3cret', /entry 2 of RPC_URLS is not a URL/],
  ['empty', '', /entry 1 of RPC_URLS is not a URL/],
  ['a trailing comma', 'https://ok/,', /entry 2 of RPC_URLS/],
  ['a socket', 'wss://user:s3cret@host/k3y', /entry 1 .*wss:/],
  ['no host', 'https://', /entry 1/],
  ['the same twice', 'https://h/s3cret,https://h/s3cret', /entry 2 .*twice/]
] as const) {
  test(`${what} is a permanent fault that names the entry and shows nothing of it`, () => {
    assert.throws(
      () => resolveUrls(text, 1),
      (error: Error) => {
        assert.ok(error instanceof PermanentError)
        assert.match(error.message, says)
        assert.doesNotMatch(error.message, /s3cret|user|k3y/)
        return true
      }
    )
  })
}

test('public is refused for a chain whose public endpoints aren’t known', () => {
  assert.throws(() => resolveUrls('public', 31337), /no public endpoints are known of chain 31337/)
})

test('a provider is called by its place and host', () => {
  assert.equal(providerId('https://user:key@host:8545/path?key=1', 2), '3:host:8545')
})

test('a provider’s own words lose what may be a key', () => {
  const redact = redactor('https://us%65rname1:p%40ssword@host/v2/abcdefgh12345?token=querytoken')
  const text = redact('username1 p@ssword /v2/abcdefgh12345 querytoken')
  assert.doesNotMatch(text, /username1|ssword|abcdefgh|querytoken/)
  assert.match(text, /v2/)
})
