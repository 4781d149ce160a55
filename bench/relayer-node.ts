import { createServer, type Server } from 'node:http'
import { buildBlock } from '../jobs/event-relayer/src/testing/blocks.ts'
import { type Answers, createAnswers, type PreparedBlock } from './relayer-answers.ts'
import { type ChainPlan, plannedTransactions } from './relayer-chain.ts'

/* A JSON-RPC node in a process of its own: `process.argv` gives its chain and how many ports it has; tells its parent the ports. */

export type NodePlan = { plan: ChainPlan; chainId: number; ports: number }
/** Ports of the providers; one more to be told the heads (PUT) and asked for the counts (GET). */
export type NodePorts = { providers: number[]; control: number }

const GENESIS_SECONDS = 1_700_000_000
const BLOCK_SECONDS = 12
/** Longer than any pause of a client, so that no connection closes under a request. */
const KEEP_ALIVE_MS = 600_000

function prepareBlocks(plan: ChainPlan): PreparedBlock[] {
  const blocks: PreparedBlock[] = []
  for (let number = 0; number <= plan.blocks; number++) {
    const { header, receipts, logs } = buildBlock({
      number,
      parentHash: blocks.at(-1)?.hash ?? `0x${'0'.repeat(64)}`,
      timestamp: GENESIS_SECONDS + number * BLOCK_SECONDS,
      transactions: plannedTransactions(plan, number)
    })
    blocks.push({
      hash: header.hash,
      header: toJson({ ...header, transactions: receipts.map(receipt => receipt.transactionHash), uncles: [] }),
      receipts: toJson(receipts),
      logs: logs.map(log => ({ address: log.address, topic0: log.topics[0] ?? '', json: toJson(log) }))
    })
  }
  return blocks
}

const toJson = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

const serve = (respond: (body: Buffer, method: string) => Buffer): Server =>
  createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('end', () => {
      try {
        const body = respond(Buffer.concat(chunks), request.method ?? '')
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
      } catch {
        // A port is anybody's: a process that looks for a server that was here before sends what isn't JSON-RPC.
        response.writeHead(400).end()
      }
    })
  })

function control(answers: Answers): Server {
  return serve((body, method) => {
    // The parent is the only one that puts.
    if (method === 'PUT') answers.begin(JSON.parse(body.toString()))
    return toJson(answers.counts())
  })
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', 4096, resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no free port on 127.0.0.1')
  return address.port
}

// The parent's own NodePlan.
const { plan, chainId, ports } = JSON.parse(process.argv[2] ?? '') as NodePlan
const answers = createAnswers({ chainId, blocks: prepareBlocks(plan) })
const providers = await Promise.all(Array.from({ length: ports }, () => listen(serve(answers.answer))))
process.send?.({ providers, control: await listen(control(answers)) } satisfies NodePorts)
process.on('disconnect', () => process.exit())
