import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Type } from 'typebox'
import { defineConfig, envExample, readConfig } from './config.ts'
import { PermanentError } from './errors.ts'

const Config = defineConfig({
  DATABASE_URL: Type.String({ pattern: '^postgres://', description: 'a postgres:// URL' }),
  PORT: Type.Integer({ default: 8080, minimum: 1, maximum: 65_535, description: 'port to listen on' }),
  MODE: Type.Union([Type.Literal('iam'), Type.Literal('oidc')], { description: '"iam" or "oidc"' }),
  NAME: Type.String({ default: '', description: 'what it is called' }),
  TOKEN: Type.Optional(Type.String({ minLength: 100 }))
})
const right = { DATABASE_URL: 'postgres://u:secret@h/d', MODE: 'oidc' }

test('values are read, integers as numbers, defaults where nothing or nothing but emptiness is given', () => {
  assert.deepEqual(readConfig(Config, right), { ...right, PORT: 8080, NAME: '' })
  assert.deepEqual(readConfig(Config, { ...right, PORT: '1', NAME: 'x', OTHER: 'y' }), { ...right, PORT: 1, NAME: 'x' })
  assert.equal(readConfig(Config, { ...right, PORT: '' }).PORT, 8080)
})

test('all faults are told at once, by name and by what is wanted, and no value is', () => {
  const secrets = { DATABASE_URL: 'mysql://u:hunter2@h', PORT: '70000', MODE: 'hunter3', TOKEN: 'hunter4' }
  assert.throws(
    () => readConfig(Config, secrets),
    (error: unknown) => {
      assert.ok(error instanceof PermanentError)
      for (const name of Object.keys(secrets)) assert.match(error.message, new RegExp(`${name} is not valid`))
      for (const value of Object.values(secrets)) assert.ok(!error.message.includes(value))
      assert.match(error.message, /a postgres:\/\/ URL/)
      return true
    }
  )
  assert.throws(
    () => readConfig(Config, {}),
    /DATABASE_URL is missing: a postgres:\/\/ URL; MODE is missing: "iam" or "oidc"$/
  )
})

for (const PORT of ['-1', '0', '1.5', '0x50', '8080x', ' 8080', '1e3', '9'.repeat(16), 'NaN']) {
  test(`PORT=${PORT} is refused`, () =>
    assert.throws(() => readConfig(Config, { ...right, PORT }), /PORT is not valid/))
}

test('the example names every setting, the required ones to be filled in', () => {
  const text = envExample(Config)
  assert.match(text, /^# a postgres:\/\/ URL \(required\)\nDATABASE_URL=$/m)
  assert.match(text, /^# port to listen on\n# PORT=8080$/m)
  for (const name of Object.keys(Config.properties)) assert.match(text, new RegExp(`${name}=`))
})
