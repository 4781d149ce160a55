import { hash } from 'node:crypto'

/** A log's place: one log in one block. Hashes are lower-case hex with 0x. */
export type LogPlace = { chain_id: number; block_hash: string; transaction_hash: string; log_index: number }

/** How far a fact has come, or that its block left the chain. */
export type Finality = 'seen' | 'safe' | 'finalized' | 'reverted'

/** UUID version 8 (RFC 9562) from the first 16 bytes of SHA-256 over the text: the same text gives the same id for ever. */
export function uuid8(text: string): string {
  const hex = hash('sha256', text, 'hex')
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

const placeText = (log: LogPlace) => `${log.chain_id}:${log.block_hash}:${log.transaction_hash}:${log.log_index}`

/** The identity of a fact; effects are keyed by it. A transaction mined again in another block is another fact. */
export const factId = (log: LogPlace): string => uuid8(placeText(log))

/** What a message says of its fact: the level, numbered from the second incarnation on. */
export const operation = (finality: Finality, incarnation: number): string =>
  incarnation === 1 ? finality : `${finality}#${incarnation}`

/** The identity of the message "this fact reached this level"; inboxes claim it. */
export const eventId = (log: LogPlace & { finality: Finality; incarnation: number }): string =>
  uuid8(`${placeText(log)}:${operation(log.finality, log.incarnation)}`)

/** The workflow of an escrow; it is the `correlation_id` of all that comes from the chain. */
export const escrowWorkflow = (escrow: { chain_id: number; escrow_address: string }): string =>
  `escrow:${escrow.chain_id}:${escrow.escrow_address}`
