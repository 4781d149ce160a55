import type { SeenLog } from './watch.ts'

/** How far a fact has come, in milliseconds since the demo saw its block. */
export type Track = SeenLog & { relayedMs: number | undefined; settledMs: number | undefined }

export type Tracker = {
  seen(log: SeenLog): void
  /** A line of a deployable's log. */
  logged(entry: Record<string, unknown>): void
  tracks(): Track[]
}

type Stage = 'relayed' | 'settled'

const stageOf = ({ message, service }: Record<string, unknown>): Stage | undefined => {
  if (message === 'escrow_event_published') return 'relayed'
  return message === 'escrow_event_processed' && service === 'settlement' ? 'settled' : undefined
}

/** Follows each fact from its block to settlement's row by what the deployables log; the first time counts. */
export function createTracker(onStage: (stage: Stage | 'mined', track: Track) => void): Tracker {
  const tracks = new Map<string, Track>()
  /** Stages that were told before the demo itself saw the block. */
  const early = new Map<string, Map<Stage, number>>()

  function reach(track: Track, { stage, at }: { stage: Stage; at: number }): void {
    const key = `${stage}Ms` as const
    if (track[key] !== undefined) return
    track[key] = Math.max(0, at - track.seenAt)
    onStage(stage, track)
  }

  return {
    seen(log) {
      const track: Track = { ...log, relayedMs: undefined, settledMs: undefined }
      tracks.set(log.fact_id, track)
      onStage('mined', track)
      for (const [stage, at] of early.get(log.fact_id) ?? []) reach(track, { stage, at })
      early.delete(log.fact_id)
    },
    logged(entry) {
      const stage = stageOf(entry)
      const { fact_id } = entry
      if (!stage || typeof fact_id !== 'string') return
      const at = performance.now()
      const track = tracks.get(fact_id)
      if (track) return reach(track, { stage, at })
      const stages = early.get(fact_id) ?? new Map<Stage, number>()
      if (!stages.has(stage)) early.set(fact_id, stages.set(stage, at))
    },
    tracks: () => [...tracks.values()]
  }
}
