/** No provider could do the work now; a later try may succeed. */
export class NoProvider extends Error {
  /** `faults`: each provider with the last fault that it gave. */
  constructor(faults: readonly string[]) {
    super(`no provider in RPC_URLS can be used now: ${faults.join('; ') || 'none is left to ask'}`)
    this.name = 'NoProvider'
  }
}
