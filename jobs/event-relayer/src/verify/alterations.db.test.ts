import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Pool } from '@fusion-prime/postgres'
import { createScene, one, type Scene, two, verifyScene } from './verify-fixture.ts'

let scene: Scene
before(async () => {
  scene = await createScene()
})
after(() => scene.close())

const approval = (sql: Pool) => sql`(select fact_id from facts where block_number = 6)`

type Alteration = {
  what: string
  /** What must be found: kind, block, and what is said of the stored side. */
  finds: [kind: string, block: number, stored: RegExp][]
  by(sql: Pool): Promise<unknown>
}

const alterations: Alteration[] = [
  {
    what: 'the data of a raw log',
    by: sql => sql`update raw_logs set data = '0x02' where reading = 'malformed'`,
    finds: [['raw_log_differs', 3, /data="0x02"/]]
  },
  {
    what: 'the topics of a raw log',
    by: sql => sql`update raw_logs set topics = topics || '0x00'::text where reading = 'unknown'`,
    finds: [['raw_log_differs', 2, /topics=.*,0x00/]]
  },
  {
    what: 'the transaction of a raw log',
    by: sql => sql`update raw_logs set transaction_hash = '0x00' where block_number = 9`,
    finds: [['raw_log_differs', 9, /transaction_hash="0x00"/]]
  },
  {
    what: 'how a raw log was read',
    by: sql => sql`update raw_logs set reading = 'kept' where block_number = 9`,
    finds: [['raw_log_differs', 9, /reading="kept"/]]
  },
  {
    what: 'a raw log that is missing',
    by: sql => sql`delete from raw_logs where reading = 'malformed'`,
    finds: [['raw_log_missing', 3, /nothing/]]
  },
  {
    what: 'the raw log of a fact',
    by: sql => sql`delete from raw_logs where fact_id = ${approval(sql)}`,
    finds: [['raw_log_missing', 6, /nothing/]]
  },
  {
    what: 'a raw log that the chain never had',
    by: sql => sql`
      insert into raw_logs select gen_random_uuid(), chain_id, block_hash, block_number, transaction_hash, 77, address, topics, data, reading, detail
      from raw_logs where reading = 'unknown'`,
    finds: [['raw_log_extra', 2, /log_index=77/]]
  },
  {
    what: 'a field of a fact’s body',
    by: sql => sql`update facts set body = body || '{"approver":"0x00"}' where fact_id = ${approval(sql)}`,
    finds: [['fact_differs', 6, /approver="0x00"/]]
  },
  {
    what: 'the block of a fact',
    by: sql => sql`update facts set block_hash = '0x00' where fact_id = ${approval(sql)}`,
    finds: [['fact_differs', 6, /column block_hash="0x00"/]]
  },
  {
    what: 'a fact that is missing',
    by: sql => sql`delete from facts where fact_id = ${approval(sql)}`,
    finds: [
      ['fact_missing', 6, /nothing/],
      ['outbox_extra', 6, /event_id=/]
    ]
  },
  {
    what: 'a fact that counts as reverted',
    by: sql => sql`update facts set finality = 'reverted' where fact_id = ${approval(sql)}`,
    finds: [['fact_missing', 6, /nothing/]]
  },
  {
    what: 'a fact that no chain has',
    by: async sql => {
      const [row] = await sql<{ id: string }[]>`
        insert into raw_logs select gen_random_uuid(), chain_id, block_hash, block_number, transaction_hash, 77, address, topics, data, reading, detail
        from raw_logs where block_number = 6 returning fact_id as id`
      await sql`
        insert into facts select ${row?.id ?? null}, chain_id, block_hash, block_number, 77, finality, incarnation, forced, body, traceparent
        from facts where block_number = 6`
    },
    finds: [
      ['raw_log_extra', 6, /log_index=77/],
      ['fact_extra', 6, /approver=/]
    ]
  },
  {
    what: 'a fact that is final above the finalized block',
    by: sql => sql`update facts set finality = 'finalized' where block_number = 13`,
    finds: [
      ['fact_differs', 13, /finality="finalized"/],
      ['outbox_missing', 13, /nothing/]
    ]
  },
  {
    what: 'a fact that never became final',
    by: sql => sql`update facts set finality = 'seen' where fact_id = ${approval(sql)}`,
    finds: [['fact_differs', 6, /finality="seen"/]]
  },
  {
    what: 'an escrow that isn’t watched',
    by: sql => sql`update escrows set gone = true where escrow_address = ${two}`,
    finds: [['escrow_missing', 5, /nothing/]]
  },
  {
    what: 'the factory of an escrow',
    by: sql => sql`update escrows set factory_address = ${one} where escrow_address = ${two}`,
    finds: [['escrow_differs', 5, new RegExp(`factory_address="${one}"`)]]
  },
  {
    what: 'the hash of a block',
    by: sql => sql`update blocks set block_hash = '0x00' where block_number = 14`,
    finds: [['block_differs', 14, /hash="0x00"/]]
  },
  {
    what: 'the parent of a block',
    by: sql => sql`update blocks set parent_hash = '0x00' where block_number = 16`,
    finds: [['block_differs', 16, /parent_hash="0x00"/]]
  },
  {
    what: 'a block that is missing near the head',
    by: sql => sql`delete from blocks where block_number = 14`,
    finds: [['block_missing', 14, /nothing/]]
  },
  {
    what: 'the hash of the checkpoint',
    by: sql => sql`update checkpoints set block_hash = '0x00'`,
    finds: [['checkpoint_differs', 16, /0x00/]]
  },
  {
    what: 'the digest of a manifest',
    by: sql =>
      sql`update manifests set digest = repeat('0', 64) where from_block = (select min(from_block) from manifests)`,
    finds: [
      ['manifest_differs', 0, /digest="0000/],
      ['outbox_differs', 0, /data=/]
    ]
  },
  {
    what: 'the count of a manifest',
    by: sql => sql`update manifests set fact_count = fact_count + 1 where from_block = 0`,
    finds: [
      ['manifest_differs', 0, /count=/],
      ['outbox_differs', 0, /data=/]
    ]
  },
  {
    what: 'the previous digest of a manifest',
    by: sql => sql`update manifests set previous_digest = repeat('0', 64) where to_block = 12`,
    finds: [
      ['manifest_differs', 9, /previous_digest="0000/],
      ['outbox_differs', 9, /data=/]
    ]
  },
  {
    what: 'a manifest that is missing in the middle',
    by: sql => sql`delete from manifests where to_block = 4`,
    finds: [['manifest_missing', 2, /nothing/]]
  },
  {
    what: 'the newest manifest, missing',
    by: sql => sql`delete from manifests where to_block = 12`,
    finds: [['manifest_missing', 9, /nothing/]]
  },
  {
    what: 'the data of a finalized message',
    by: sql => sql`
      update outbox set data = replace(data, '"log_index":0', '"log_index":5')
      where attributes->>'finality' = 'finalized' and (attributes->>'fact_id')::uuid = ${approval(sql)}`,
    finds: [['outbox_differs', 6, /log_index..:5/]]
  },
  {
    what: 'a message that is no JSON any more',
    by: sql =>
      sql`update outbox set data = '{' where attributes->>'finality' = 'seen' and data like '%"block_number":15%'`,
    finds: [['outbox_differs', 15, /data="{"/]]
  },
  {
    what: 'the ordering key of a message',
    by: sql =>
      sql`update outbox set ordering_key = 'x' where attributes->>'finality' = 'safe' and (attributes->>'fact_id')::uuid = ${approval(sql)}`,
    finds: [['outbox_differs', 6, /ordering_key="x"/]]
  },
  {
    what: 'a finalized message that is missing',
    by: sql =>
      sql`delete from outbox where attributes->>'finality' = 'finalized' and (attributes->>'fact_id')::uuid = ${approval(sql)}`,
    finds: [['outbox_missing', 6, /nothing/]]
  },
  {
    what: 'the payer of a command',
    by: sql => sql`
      update outbox set data = replace(data, '"payer":"0x', '"payer":"0xff')
      where topic = 'settlement-commands' and attributes->>'event_type' = 'command_release'`,
    finds: [['outbox_differs', 10, /payer..:..0xff/]]
  },
  {
    what: 'a command that is missing',
    by: sql =>
      sql`delete from outbox where topic = 'settlement-commands' and attributes->>'event_type' = 'command_release'`,
    finds: [['outbox_missing', 10, /nothing/]]
  },
  {
    what: 'the command of a deployment, missing',
    by: sql => sql`delete from outbox where topic = 'settlement-commands' and data like '%"amount":"1000"%' and seq = (
      select min(seq) from outbox where topic = 'settlement-commands'
    )`,
    finds: [['outbox_missing', 1, /nothing/]]
  },
  {
    what: 'the message of a manifest, missing',
    by: sql => sql`delete from outbox where topic = 'chain.ranges.v1' and data like '%"to_block":12%'`,
    finds: [['outbox_missing', 9, /nothing/]]
  },
  {
    what: 'a finalized message of a fact that isn’t final',
    by: sql => sql`
      insert into outbox (topic, event_id, ordering_key, data, attributes)
      select topic, gen_random_uuid(), ordering_key, data, attributes || '{"finality":"finalized"}'
      from outbox where topic = 'escrow-events' and data like '%"block_number":15%'`,
    finds: [['outbox_extra', 15, /topic=escrow-events/]]
  },
  {
    what: 'a revert of a fact that stayed',
    by: sql => sql`
      insert into outbox (topic, event_id, ordering_key, data, attributes)
      select topic, gen_random_uuid(), ordering_key, data, attributes || '{"finality":"reverted"}'
      from outbox where topic = 'escrow-events' and data like '%"block_number":15%'`,
    finds: [['outbox_extra', 15, /topic=escrow-events/]]
  },
  {
    what: 'a command that follows from nothing',
    by: sql => sql`
      insert into outbox (topic, event_id, ordering_key, data, attributes)
      select topic, gen_random_uuid(), ordering_key, data, attributes
      from outbox where topic = 'settlement-commands' and attributes->>'event_type' = 'command_release'`,
    finds: [['outbox_extra', 0, /topic=settlement-commands/]]
  },
  {
    what: 'the message of a manifest that nobody stated',
    by: sql => sql`
      insert into outbox (topic, event_id, ordering_key, data, attributes)
      select topic, gen_random_uuid(), ordering_key, regexp_replace(data, '"to_hash":"0x[0-9a-f]{64}"', '"to_hash":"0x' || repeat('0', 64) || '"'), attributes
      from outbox where topic = 'chain.ranges.v1' and data like '%"to_block":12%'`,
    finds: [['outbox_extra', 9, /topic=chain.ranges.v1/]]
  }
]

describe('what was altered by hand is found and named', () => {
  for (const { what, by, finds } of alterations) {
    test(what, async () => {
      const { sql } = scene
      try {
        await by(sql)
        const { code, found, summary } = await verifyScene(scene)
        assert.equal(code, 1)
        assert.equal(summary.result, 'differs')
        assert.ok(Number(summary.differences) >= finds.length)
        for (const [kind, block, stored] of finds) {
          const line = found.find(
            one => one.kind === kind && one.block_number === block && stored.test(String(one.stored))
          )
          assert.ok(line, `${kind} at block ${block} is among ${JSON.stringify(found)}`)
        }
      } finally {
        await scene.restore()
      }
    })
  }
})
