/** A provider gave an answer that can't be true: proven by hashes, by another answer, or by its shape. */
export class WrongAnswer extends Error {
  /** `omitted`, `invented`, `conflicting`, `unlinked`, `wrong_hash`, `wrong_chain`, `finality_disagrees`, … */
  readonly kind: string
  /** Id of the provider that gave it; undefined: the one that was being used. */
  readonly provider: string | undefined
  constructor(message: string, kind: string, options?: ErrorOptions & { provider?: string }) {
    super(message, options)
    this.name = 'WrongAnswer'
    this.kind = kind
    this.provider = options?.provider
  }
}
