import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { createListReader } from './read.ts'

/** A server of the test's own on the loopback address. */
async function startServer(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return { url: `http://127.0.0.1:${address.port}`, [Symbol.asyncDispose]: async () => void server.close() }
}

test('a file is read anew each time, without a byte order mark; what isn’t UTF-8 is refused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sanctions-'))
  const path = join(folder, 'a list.json')
  const read = createListReader(pathToFileURL(path).href)
  await assert.rejects(read, { code: 'ENOENT' })
  await writeFile(path, '\ufeff{"a":"é"}')
  assert.equal(await read(), '{"a":"é"}')
  await writeFile(path, Buffer.from([0x7b, 0xff, 0x7d]))
  await assert.rejects(read, TypeError)
  await rm(folder, { recursive: true })
})

test('over HTTP only a 200 is a list: no error page, no redirect', async () => {
  await using server = await startServer((request, response) => {
    if (request.url === '/list') response.end('{}')
    else if (request.url === '/part') response.writeHead(206).end('{}')
    else if (request.url === '/moved') response.writeHead(302, { location: '/list' }).end()
    else response.writeHead(503).end('{}')
  })
  assert.equal(await createListReader(`${server.url}/list`)(), '{}')
  await assert.rejects(createListReader(`${server.url}/moved`))
  await assert.rejects(createListReader(`${server.url}/part`), /answered 206/)
  await assert.rejects(createListReader(`${server.url}/other`), /answered 503/)
})

test('a reading that never ends is given up, so that the next one can be made', async () => {
  const storage = { url: 'http://127.0.0.1:1', authorize: () => new Promise<Headers>(() => {}) }
  const read = createListReader('gs://lists/all.json', { storage, timeoutMs: 20 })
  await assert.rejects(read, /wasn’t read within 20 ms/)
})

test('an object of Cloud Storage is read through its media endpoint, with the service’s token', async () => {
  const seen: (string | undefined)[] = []
  await using server = await startServer((request, response) => {
    seen.push(request.url, request.headers.authorization)
    response.end('{}')
  })
  const authorize = async () => new Headers({ authorization: 'Bearer token' })
  const read = createListReader('gs://lists_prod/sanctions/all lists.json', { storage: { url: server.url, authorize } })
  assert.equal(await read(), '{}')
  assert.deepEqual(seen, ['/storage/v1/b/lists_prod/o/sanctions%2Fall%20lists.json?alt=media', 'Bearer token'])
})

for (const url of [
  'http://example.com/list',
  'file://host/list',
  'gs://bucket',
  'gs:///list',
  'ftp://host/list',
  'https://',
  'list.json'
]) {
  test(`refused: ${url}`, () => assert.throws(() => createListReader(url), { name: 'PermanentError' }))
}
for (const url of [
  'http://localhost/list',
  'http://[::1]:8080/list',
  'https://example.com/list',
  'gs://bucket/list',
  'file:///list'
]) {
  test(`accepted: ${url}`, () => assert.equal(typeof createListReader(url), 'function'))
}

test('OFAC’s own file is converted: as of the copy’s last change, under a version of its contents', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sanctions-'))
  const path = join(folder, 'sdn.csv')
  const empty = Array.from({ length: 7 }, () => '-0-').join(',')
  const write = (name: string) => writeFile(path, `7,"${name}","individual","CYBER2",${empty},"DOB 1970."\r\n`)
  const read = createListReader(pathToFileURL(path).href)
  await write('LAST, First')
  await utimes(path, new Date(), new Date('2026-01-31T12:00:00Z'))
  const first = JSON.parse(await read())
  assert.deepEqual(
    [first.as_of, first.names],
    ['2026-01-31T12:00:00.000Z', [{ name: 'LAST, First', list: 'OFAC SDN' }]]
  )
  await write('OTHER, First')
  assert.notEqual(JSON.parse(await read()).version, first.version)
  await writeFile(path, '<html>')
  await assert.rejects(read, /not a row of sdn.csv/)
  await rm(folder, { recursive: true })
})

test('a copy of OFAC’s own file in Cloud Storage is as of its last change; one without a date is refused, not taken for new', async () => {
  const row = `7,"A B","-0-","SDGT",${Array.from({ length: 7 }, () => '-0-').join(',')},"-0-"`
  const dates = ['Sat, 03 Jan 2026 12:00:00 GMT', 'the other day', undefined]
  await using server = await startServer((_request, response) => {
    const date = dates.shift()
    if (date !== undefined) response.setHeader('last-modified', date)
    response.end(row)
  })
  const storage = { url: server.url, authorize: async () => new Headers() }
  const read = createListReader('gs://lists/sdn.csv', { storage })
  assert.equal(JSON.parse(await read()).as_of, '2026-01-03T12:00:00.000Z')
  for (const _ of [1, 2]) await assert.rejects(read, /how old the copy is/)
})

test('OFAC’s own file from its publisher is as of its reading', async () => {
  const row = `7,"A B","-0-","SDGT",${Array.from({ length: 7 }, () => '-0-').join(',')},"-0-"`
  await using server = await startServer((_request, response) => {
    response.setHeader('last-modified', 'Sat, 03 Jan 2026 12:00:00 GMT').end(row)
  })
  const now = new Date('2026-01-31T12:00:00Z')
  const list = JSON.parse(await createListReader(`${server.url}/sdn.csv`, { now: () => now })())
  assert.equal(list.as_of, now.toISOString())
})
