import { createKeccak } from 'hash-wasm'

// Only loading the WASM module is asynchronous; awaited here, every proof is synchronous.
const hasher = await createKeccak(256)

/** Keccak-256 as Ethereum uses it (not NIST's SHA3-256): 32 bytes. */
export function keccak256(bytes: Uint8Array): Uint8Array {
  return hasher.init().update(bytes).digest('binary')
}
