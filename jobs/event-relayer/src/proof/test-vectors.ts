import { readFileSync } from 'node:fs'
import type { RpcHeader } from './header.ts'
import type { RpcReceipt } from './receipts.ts'

const read = <Content>(name: string): Content =>
  JSON.parse(readFileSync(new URL(`./test-vectors/${name}.json`, import.meta.url), 'utf8'))

/** The recorded blocks that the tests of this folder share; see test-vectors/README.md. */
export const vectors = {
  headers: read<(RpcHeader & { id: number; fork: string })[]>('headers'),
  blocks:
    read<{ id: number; fork: string; receiptsRoot: string; logsBloom: string; receipts: RpcReceipt[] }[]>(
      'block-receipts'
    ),
  raw: read<{ id: number; raw: string[] }[]>('raw-receipts'),
  mainnet: read<{ header: RpcHeader; receipts: RpcReceipt[] }>('mainnet-21925176'),
  bloom: read<{ id: string; block: number; item: string; in_bloom: boolean; in_block: boolean }[]>('bloom')
}
