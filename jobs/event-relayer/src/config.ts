import { defineConfig, PermanentError } from '@fusion-prime/runtime'
import { type Static, Type } from 'typebox'

export const RelayerConfig = defineConfig({
  CHAIN_ID: Type.Integer({ minimum: 1, description: 'id of the chain to relay: a number' }),
  RPC_URLS: Type.String({
    pattern: '^https?://[^,\\s]+(,https?://[^,\\s]+)*$',
    description: 'URLs of JSON-RPC providers, comma-separated'
  }),
  ESCROW_FACTORIES: Type.String({
    pattern: '^0x[0-9a-fA-F]{40}(,0x[0-9a-fA-F]{40})*$',
    description: 'addresses of the escrow factories to watch, comma-separated'
  }),
  START_BLOCK: Type.Optional(
    Type.Integer({ minimum: 0, description: 'first block to read; needed while there is no checkpoint' })
  ),
  DATABASE_URL: Type.String({
    pattern: '^postgres(ql)?://',
    description: 'a postgres:// URL of the relayer’s own database'
  }),
  GOOGLE_CLOUD_PROJECT: Type.String({ minLength: 1, description: 'the project whose Pub/Sub topics are used' }),
  POLL_INTERVAL_SECONDS: Type.Integer({
    default: 45,
    minimum: 1,
    maximum: 3600,
    description: 'pause between two polls in loop mode'
  }),
  FINALITY: Type.String({
    default: 'tags',
    pattern: '^(tags|depth:[0-9]{1,6},[0-9]{1,6})$',
    description: '"tags" (the chain’s own safe and finalized) or "depth:<safe>,<final>" in blocks'
  }),
  MAX_BLOCK_RANGE: Type.Integer({
    default: 200,
    minimum: 1,
    maximum: 10_000,
    description: 'blocks that are read and committed at once'
  }),
  MAX_ADDRESSES: Type.Integer({
    default: 500,
    minimum: 1,
    description: 'above this many watched addresses logs are asked for by topics alone'
  }),
  HOST: Type.String({ default: '0.0.0.0', description: 'address of health and metrics' }),
  PORT: Type.Integer({ default: 8080, maximum: 65_535, description: 'port of health and metrics in loop mode' })
})

export type RelayerConfig = Static<typeof RelayerConfig>

/** Levels by the chain's own tags, or by depth below the head in blocks. */
export type FinalityRule = { by: 'tags' } | { by: 'depth'; safe: number; finalized: number }

export function parseFinality(text: string): FinalityRule {
  const depths = /^depth:([0-9]+),([0-9]+)$/.exec(text)
  if (!depths) return { by: 'tags' }
  const [safe, finalized] = [Number(depths[1]), Number(depths[2])]
  if (finalized < safe) throw new PermanentError(`FINALITY=${text}: the final depth may not be less than the safe one`)
  return { by: 'depth', safe, finalized }
}
