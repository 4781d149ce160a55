import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '@fusion-prime/local'
import { createSql } from './create-sql.ts'
import { packed } from './packed.ts'

test('what is packed arrives as it was', async () => {
  const database = await testDatabase()
  const sql = createSql({ url: database.url, max: 1, applicationName: 'packed' })
  try {
    for (const values of [[], [''], ['', ''], ['a'], ['{"a":"\\"\\u001f,{}"}', '', 'null', '0xff', 'é, "x"']]) {
      const [row] = await sql<{ given: string[] }[]>`select ${packed(sql, values)} as given`
      assert.deepEqual(row?.given, values)
    }
  } finally {
    await sql.end()
    await database.close()
  }
})
