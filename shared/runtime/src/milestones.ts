import { channel } from 'node:diagnostics_channel'

/** Where a crash is most telling: inside the relayer's write, after a commit and before its answer, after a publish and before its mark. */
export type Milestone = 'relayer_writing' | 'batch_committed' | 'outbox_published'

/** The diagnostics channel on which a process tells its milestones; tests of crashes subscribe, nobody else pays. */
export const MILESTONES = 'fusion-prime:milestones'

const milestones = channel(MILESTONES)

export function reach(milestone: Milestone): void {
  if (milestones.hasSubscribers) milestones.publish(milestone)
}
