import { defineConfig, PermanentError } from '@fusion-prime/runtime'
import { type Static, Type } from 'typebox'

export const RelayerConfig = defineConfig({
  CHAIN_ID: Type.Integer({ minimum: 1, description: 'id of the chain to relay: a number' }),
  RPC_URLS: Type.String({
    minLength: 1,
    description:
      'URLs of JSON-RPC providers, comma-separated; the word "public" stands for the chain’s public endpoints'
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
  REORG_WINDOW: Type.Integer({
    default: 128,
    minimum: 1,
    maximum: 100_000,
    description: 'blocks that a reorg may replace; a deeper one halts until an operator resumes'
  }),
  OMISSION_CHECK: Type.Union([Type.Literal('receipts'), Type.Literal('second-provider'), Type.Literal('off')], {
    default: 'receipts',
    description:
      'how logs that a provider leaves out are caught: "receipts" (proven), "second-provider" (compared), "off"'
  }),
  BACKFILL_OMISSION_CHECK: Type.Optional(
    Type.Union([Type.Literal('receipts'), Type.Literal('second-provider'), Type.Literal('off')], {
      description: 'the same for --mode=backfill; default: as OMISSION_CHECK'
    })
  ),
  LEASE_SECONDS: Type.Integer({
    default: 30,
    minimum: 2,
    maximum: 3600,
    description: 'after this long without a sign of life another relayer may take over'
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
  MAX_BATCH_BYTES: Type.Integer({
    default: 16_777_216,
    minimum: 1_048_576,
    maximum: 1_073_741_824,
    description: 'bytes of answers that are held at once; ranges are narrowed to fit'
  }),
  RPC_TIMEOUT_MS: Type.Integer({
    default: 10_000,
    minimum: 100,
    maximum: 120_000,
    description: 'a provider that has not answered by then has failed'
  }),
  OUTBOX_RETENTION_HOURS: Type.Integer({
    default: 168,
    minimum: 0,
    description: 'published messages are kept this long; --mode=verify compares what is kept'
  }),
  HOST: Type.String({ default: '0.0.0.0', description: 'address of health and metrics' }),
  PORT: Type.Integer({ default: 8080, maximum: 65_535, description: 'port of health and metrics in loop mode' })
})

export type RelayerConfig = Static<typeof RelayerConfig>
export type OmissionCheck = RelayerConfig['OMISSION_CHECK']

/** Levels by the chain's own tags, or by depth below the head in blocks. */
export type FinalityRule = { by: 'tags' } | { by: 'depth'; safe: number; finalized: number }

export function parseFinality(text: string): FinalityRule {
  const depths = /^depth:([0-9]+),([0-9]+)$/.exec(text)
  if (!depths) return { by: 'tags' }
  const [safe, finalized] = [Number(depths[1]), Number(depths[2])]
  if (finalized < safe) throw new PermanentError(`FINALITY=${text}: the final depth may not be less than the safe one`)
  return { by: 'depth', safe, finalized }
}

/** A chain whose header and receipt formats aren't known can't be proven: two providers are compared, or the relayer doesn't start. */
export function requireCheck({
  check,
  canProve,
  providers,
  setting
}: {
  check: OmissionCheck
  canProve: boolean
  providers: number
  setting: string
}): OmissionCheck {
  const chosen = check === 'receipts' && !canProve ? 'second-provider' : check
  if (chosen === 'second-provider' && providers < 2) {
    const why = canProve ? '' : 'receipts of this chain can’t be proven, and '
    throw new PermanentError(
      `${setting}=${check}: ${why}comparing needs two providers, RPC_URLS has ${providers}: name another one, or set ${setting}=off and accept that omissions go unseen`
    )
  }
  return chosen
}
