import type { Header } from '../chain.ts'

/** Something that a provider did wrong, and that did no harm: what it gave was put right from proof. */
export type Finding = {
  /** `omitted`, `disagrees`, or the kind of a WrongAnswer of a provider that was only asked for proof. */
  kind: string
  /** The provider's id. */
  provider: string
  block_number: number
  block_hash: string
  /** Absent where the whole block is meant. */
  log_index?: number
}

export const findingAt = (
  { number, hash }: Header,
  { kind, provider }: { kind: string; provider: string }
): Finding => ({
  kind,
  provider,
  block_number: number,
  block_hash: hash
})
