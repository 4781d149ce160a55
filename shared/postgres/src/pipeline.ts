/**
 * Statements of one transaction that are sent without waiting for the answers before, so that the server works on one while the next is
 * prepared. It carries them out in the order of sending.
 */
export type Pipeline = {
  /** Resolves when the statement was sent. */
  send(statement: Promise<unknown>): Promise<void>
  /** Resolves when all were carried out; rejects with the first one's fault. */
  done(): Promise<unknown>
}

export function createPipeline(): Pipeline {
  const sent: Promise<unknown>[] = []
  return {
    async send(statement) {
      statement.catch(() => undefined) // told by done
      sent.push(statement)
      await afterPromises()
    },
    done: () => Promise.all(sent)
  }
}

/** The driver sends when the promises between a statement and its socket have gone on. */
const afterPromises = (): Promise<void> => new Promise(resolve => process.nextTick(resolve))
