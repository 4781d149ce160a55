import assert from 'node:assert/strict'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import postgres from 'postgres'
import { countMessages, createGuardedPool } from './guard.ts'
import { isConnectionFault } from './transaction.ts'

const SILENCE_MS = 150

/** A server that does with a connection what it is told, and a guarded pool to it. */
async function setup(t: TestContext, serve: (socket: Socket) => void) {
  const faults: Error[] = []
  const sockets: Socket[] = []
  const server = createServer(socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    serve(socket)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // a TCP server that listens has one
  const sql = createGuardedPool({
    silenceMs: SILENCE_MS,
    onFault: error => faults.push(error),
    open: socket => {
      const settings = {
        host: '127.0.0.1',
        port,
        username: 'u',
        database: 'd',
        max: 2,
        fetch_types: false,
        backoff: () => 0.01,
        socket
      }
      return postgres(settings)
    }
  })
  t.after(async () => {
    await sql.end({ timeout: 0 })
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  })
  return { sql, faults, sockets }
}

const message = (type: string, ...body: Buffer[]) => {
  const content = Buffer.concat(body)
  const head = Buffer.alloc(5)
  head.write(type)
  head.writeUInt32BE(content.length + 4, 1)
  return Buffer.concat([head, content])
}
const signedIn = Buffer.concat([message('R', Buffer.alloc(4)), message('Z', Buffer.from('I'))])

describe('a guarded pool', () => {
  test('does not connect again and again to a server that closes at once', async t => {
    const pool = await setup(t, socket => socket.destroy())
    await assert.rejects(pool.sql`select 1`, isConnectionFault)
    await sleep(100)
    assert.equal(pool.sockets.length, 1)
    assert.equal(pool.faults.length, 0)
  })

  test('gives up a server that owes an answer and is silent', async t => {
    const pool = await setup(t, socket => socket.once('data', () => socket.write(signedIn)))
    await assert.rejects(pool.sql`select 1`, /silent for 150 ms/)
    assert.equal(pool.faults.length, 1)
  })

  test('does not mistake an idle connection for a silent one', async t => {
    const answer = Buffer.concat([message('C', Buffer.from('SELECT 0\0')), message('Z', Buffer.from('I'))])
    const pool = await setup(t, socket => {
      socket.once('data', () => {
        socket.write(signedIn)
        socket.on('data', () => socket.write(answer))
      })
    })
    await pool.sql`select`.simple()
    await sleep(3 * SILENCE_MS)
    await pool.sql`select`.simple()
    assert.equal(pool.sockets.length, 1)
    assert.equal(pool.faults.length, 0)
  })

  test('settles all statements of a lost connection, and takes a new pool for the next', async t => {
    let asked = 0
    const pool = await setup(t, socket => {
      socket.once('data', () => {
        socket.write(signedIn)
        socket.once('data', () => {
          asked += 1
        })
      })
    })
    const lost = Array.from({ length: 6 }, () => assert.rejects(pool.sql`select 1`, isConnectionFault))
    while (asked < 2) await sleep(1)
    for (const socket of pool.sockets) socket.destroy()
    await Promise.all(lost)
    assert.equal(pool.faults.length, 1)
    await assert.rejects(pool.sql`select 1`, { code: 'ETIMEDOUT' })
    assert.equal(pool.sockets.length, 3)
  })
})

test('messages are counted however the stream is cut', () => {
  const frame = fc.tuple(fc.constantFrom('Z', 'D', 'T'), fc.uint8Array({ maxLength: 300 }))
  fc.assert(
    fc.property(fc.array(frame), fc.array(fc.nat(400)), (frames, cuts) => {
      const stream = Buffer.concat(frames.map(([type, body]) => message(type, Buffer.from(body))))
      const count = countMessages('Z')
      let counted = 0
      for (let at = 0, turn = 0; at < stream.length; turn++) {
        const size = (cuts[turn % Math.max(cuts.length, 1)] ?? 0) + 1
        counted += count(stream.subarray(at, at + size))
        at += size
      }
      assert.equal(counted, frames.filter(([type]) => type === 'Z').length)
    })
  )
})
