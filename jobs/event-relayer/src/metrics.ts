import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

export type RelayerMetrics = ReturnType<typeof createRelayerMetrics>

/** What an operator watches of the relayer. */
export function createRelayerMetrics(registry: Registry) {
  const registers = [registry]
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Counter({ name, help, labelNames, registers })
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Gauge({ name, help, labelNames, registers })
  return {
    facts: counter('relayer_facts_total', 'Facts that were put in the outbox for the first time in an incarnation'),
    blocks: counter('relayer_blocks_total', 'Blocks that were read, verified and committed'),
    published: counter('relayer_published_total', 'Messages that Pub/Sub acknowledged'),
    publishFailures: counter(
      'relayer_publish_failures_total',
      'Messages whose publishing failed; they stay in the outbox'
    ),
    unpublishedLogs: counter('relayer_unpublished_logs_total', 'Logs of watched addresses that are no fact, by why', [
      'reading'
    ]),
    omissions: counter('relayer_wrong_answers_total', 'Wrong answers that were caught and repaired', [
      'kind',
      'provider'
    ]),
    reorgDepth: new Histogram({
      name: 'relayer_reorg_depth_blocks',
      help: 'Blocks that a reorg took back',
      buckets: [1, 2, 3, 5, 8, 16, 32, 64, 128],
      registers
    }),
    blocksBehind: gauge('relayer_blocks_behind', 'Blocks between the checkpoint and the head'),
    headBlock: gauge('relayer_head_block', 'Head of the provider that was followed'),
    checkpointBlock: gauge('relayer_checkpoint_block', 'Last block whose logs are durable'),
    finalizedBlock: gauge('relayer_finalized_block', 'Highest block up to which facts are final'),
    finalityDisagrees: gauge('relayer_finality_disagrees', '1 while providers have different finalized blocks'),
    halted: gauge('relayer_halted', '1 while a deep reorg waits for an operator'),
    leaseHeld: gauge('relayer_lease_held', '1 while this process is the one writer'),
    leaseEpoch: gauge('relayer_lease_epoch', 'Fencing epoch of the lease; it rises when the lease changes hands'),
    omissionCheck: gauge('relayer_omission_check', 'How omissions are caught: 1 at the one in force', ['check']),
    outboxDepth: gauge('relayer_outbox_messages', 'Messages that wait to be published'),
    outboxAge: gauge('relayer_outbox_oldest_seconds', 'Age of the oldest message that waits'),
    headLag: gauge('relayer_provider_head_lag_blocks', 'Blocks between a provider’s head and the highest head seen', [
      'provider'
    ]),
    providerHealthy: gauge('relayer_provider_healthy', '1 while a provider is used', ['provider'])
  }
}
