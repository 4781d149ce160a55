export type HandledLog = {
  /** Takes a deployable's log line. */
  onLog(name: string, entry: Record<string, unknown> | undefined): void
  /** Pushes that were answered well, whatever became of them. */
  answered(): number
  /** What was handled otherwise than once, in words: `wanted` are event_ids by service. */
  faults(wanted: ReadonlyMap<string, readonly string[]>): string[]
  clear(): void
}

/** Counts what the services say that they handled, event by event. */
export function createHandledLog(): HandledLog {
  const times = new Map<string, number>()
  let answered = 0
  return {
    onLog(_name, entry) {
      if (entry?.message !== 'escrow_event_processed') return
      answered++
      if (entry.outcome !== 'handled') return
      const key = `${entry.service} ${entry.event_id}`
      times.set(key, (times.get(key) ?? 0) + 1)
    },
    answered: () => answered,
    faults(wanted) {
      return [...wanted].flatMap(([service, ids]) => {
        const never = ids.filter(id => !times.has(`${service} ${id}`)).length
        const twice = ids.filter(id => (times.get(`${service} ${id}`) ?? 0) > 1).length
        return [
          ...(never > 0 ? [`${service} never handled ${never} of ${ids.length} events`] : []),
          ...(twice > 0 ? [`${service} handled ${twice} of ${ids.length} events more than once`] : [])
        ]
      })
    },
    clear() {
      times.clear()
      answered = 0
    }
  }
}
