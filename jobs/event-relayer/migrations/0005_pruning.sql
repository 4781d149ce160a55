-- Up to which block, exclusive, blocks without logs were forgotten: no tick looks at all of history again.
alter table checkpoints add column pruned_to bigint;
-- The canonical ones have an index by number already.
create index blocks_left on blocks (chain_id, block_number) where not canonical;
