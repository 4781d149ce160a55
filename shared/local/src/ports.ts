import { createServer } from 'node:net'
import { PermanentError } from '@fusion-prime/runtime'

/** Ports of 127.0.0.1 that are free now, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listen(0)))
  return Promise.all(servers.map(close))
}

/** That many ports in a row. Throws a PermanentError that names the one that is taken. */
export async function portsFrom(base: number, count: number): Promise<number[]> {
  const ports = Array.from({ length: count }, (_, index) => base + index)
  for (const port of ports) {
    const server = await listen(port).catch(cause => {
      const advice = 'stop what listens there, or give another --port-base'
      throw new PermanentError(`port ${port} of ${base} to ${base + count - 1} can't be had: ${advice}`, { cause })
    })
    await close(server)
  }
  return ports
}

async function listen(port: number) {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  return server
}

async function close(server: Awaited<ReturnType<typeof listen>>): Promise<number> {
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no free port on 127.0.0.1')
  return address.port
}
