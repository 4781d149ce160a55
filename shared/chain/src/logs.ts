/* What a reader of logs needs: without the contract client, and so without most of viem. */
export * from './chains.ts'
export * from './decode.ts'
export * from './signatures.ts'
