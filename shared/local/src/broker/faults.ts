import { type Injected, nothingInjected } from './stats.ts'

/** Misbehaviour on push subscriptions. Rates are 0 to 1; the same seed and the same messages per key give the same faults. */
export type Faults = {
  readonly seed: number
  /** A message that was delivered is delivered again; on an ordered key the ones acked after it come again too. */
  readonly duplicate?: number
  /** A first delivery waits up to `maxMs`; its ordering key waits with it. */
  readonly delay?: { readonly rate: number; readonly maxMs: number }
  /** A message waits (up to `delay.maxMs`, else a second) while later ones of its key overtake it, which Pub/Sub promises not to do. */
  readonly shuffle?: number
  /** The endpoint acked, the broker acts as if it hadn't. Never when one more failure would dead-letter the message. */
  readonly lostAck?: number
}

/** A message in a subscription: `index` is its place among those of its key. */
type Subject = { readonly message: { readonly orderingKey: string }; readonly index: number; readonly failures: number }

/** Decides what goes wrong in one subscription, and counts it. */
export type Mischief = {
  readonly injected: Injected
  /** The place of a new message among those of its key. */
  indexOf: (orderingKey: string) => number
  duplicates: (subject: Subject) => boolean
  /** How many of the last settled ones of a key, 1 to `most`, a duplicate brings back. */
  repeats: (subject: Subject, most: number) => number
  losesAck: (subject: Subject, maxDeliveryAttempts: number) => boolean
  /** How long a first delivery waits, in milliseconds, and whether later ones of its key may overtake it. */
  holds: (subject: Subject) => { wait: number; alone: boolean }
  /** A message is handed out: counts it if an earlier one of its key is still held. */
  handed: (subject: Subject) => void
}

const DEFAULT_HOLD_MS = 1000

export function createMischief(faults: Faults, subscription: string): Mischief {
  const injected = { ...nothingInjected }
  const counts = new Map<string, number>()
  const held = new Map<string, Set<number>>()

  function roll(kind: string, { message, index, failures }: Subject): number {
    return fraction(`${faults.seed}|${subscription}|${kind}|${message.orderingKey}|${index}|${failures}`)
  }

  return {
    injected,
    indexOf(key) {
      const index = counts.get(key) ?? 0
      counts.set(key, index + 1)
      return index
    },
    duplicates: subject => roll('duplicate', subject) < (faults.duplicate ?? 0),
    repeats(subject, most) {
      const count = 1 + Math.floor(roll('repeat', subject) * most)
      return Math.min(count, most)
    },
    losesAck(subject, maxDeliveryAttempts) {
      const lost = subject.failures + 2 < maxDeliveryAttempts && roll('lostAck', subject) < (faults.lostAck ?? 0)
      if (lost) injected.lostAcks++
      return lost
    },
    holds(subject) {
      const key = subject.message.orderingKey
      const alone = key !== '' && roll('shuffle', subject) < (faults.shuffle ?? 0)
      const delayed = !alone && roll('delay', subject) < (faults.delay?.rate ?? 0)
      if (!alone && !delayed) return { wait: 0, alone }
      if (delayed) injected.delays++
      if (key !== '') held.set(key, (held.get(key) ?? new Set()).add(subject.index))
      return { wait: 1 + Math.floor(roll('wait', subject) * (faults.delay?.maxMs ?? DEFAULT_HOLD_MS)), alone }
    },
    handed({ message, index, failures }) {
      const waiting = held.get(message.orderingKey)
      if (!waiting) return
      waiting.delete(index)
      if (waiting.size === 0) held.delete(message.orderingKey)
      if (failures === 0 && [...waiting].some(earlier => earlier < index)) injected.inversions++
    }
  }
}

/** A number in 0..1 from a text (FNV-1a, then the finalizer of MurmurHash3), so that chance doesn't depend on timing. */
function fraction(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return ((value ^ (value >>> 16)) >>> 0) / 2 ** 32
}
