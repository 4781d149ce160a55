import type { Agenda } from './agenda.ts'
import type { Clock } from './clock.ts'
import { backoffMs, type SubscriptionConfig } from './config.ts'
import type { Mischief } from './faults.ts'
import { createLane, type Entry, type HeldLease, type Lane, type Outcome, remember } from './lane.ts'
import { ackIdOf, type Consumer, hasRoom, type Lease } from './lease.ts'
import type { Message } from './message.ts'
import { createQueue } from './queue.ts'
import { nothingInjected, type SubscriptionStats } from './stats.ts'

export type Subscription = {
  readonly config: SubscriptionConfig
  add: (messages: readonly Message[]) => void
  /** Returns what detaches the consumer. */
  attach: (consumer: Consumer) => () => void
  take: (consumer: Consumer) => Lease[]
  /** False when the lease has ended before. */
  ack: (ackId: string) => boolean
  nack: (ackId: string) => boolean
  /** Moves the ack deadline to that many seconds from now; 0 is a nack. */
  extend: (ackId: string, seconds: number) => boolean
  stats: () => SubscriptionStats
  close: () => void
}

export type SubscriptionDeps = {
  clock: Clock
  agenda: Agenda
  mischief: Mischief | undefined
  /** Puts the message on the dead-letter topic; false when it can't, and then it is delivered again. */
  deadLetter: (config: SubscriptionConfig, message: Message) => boolean
  settled: (message: Message) => void
  /** The last message has gone. */
  emptied: () => void
}

/** One subscription's messages, from publish to ack. Neither network nor disk; time comes from the clock alone. */
export function createSubscription(config: SubscriptionConfig, deps: SubscriptionDeps): Subscription {
  const { clock, agenda } = deps
  const ready = createQueue<Entry | Lane>()
  const lanes = new Map<string, Lane>()
  const leases = new Map<string, HeldLease>()
  const consumers: Consumer[] = []
  const totals = { published: 0, delivered: 0, acked: 0, nacked: 0, deadLettered: 0, expired: 0 }
  let pending = 0
  let nextLease = 1

  const mischief = () => (config.push ? deps.mischief : undefined)
  const isOrdered = (entry: Entry) => config.ordered && entry.message.orderingKey !== ''

  function wake() {
    for (let turns = consumers.length; turns > 0 && ready.length > 0; turns--) {
      const consumer = consumers.shift()
      if (!consumer) return
      consumers.push(consumer)
      consumer.wake()
    }
  }

  function laneOf({ message: { orderingKey: key } }: Entry): Lane {
    const lane = lanes.get(key) ?? createLane(key)
    lanes.set(key, lane)
    return lane
  }

  function add(message: Message) {
    const index = deps.mischief?.indexOf(message.orderingKey) ?? 0
    const entry = { message, index, copy: false, failures: 0, decided: false, outcome: undefined, lease: undefined }
    totals.published++
    pending++
    if (!isOrdered(entry)) return ready.push(entry)
    const lane = laneOf(entry)
    lane.queue.push(entry)
    offer(lane)
  }

  /** Puts the lane among what can be taken, as soon as it may go on. */
  function offer(lane: Lane) {
    if (lane.state !== 'idle' || lane.batch.length > 0) return
    if (lane.queue.length === 0) return void lanes.delete(lane.key)
    if (lane.resumeAt <= clock.now()) {
      lane.state = 'ready'
      return ready.push(lane)
    }
    lane.state = 'waiting'
    agenda.at(lane.resumeAt, () => {
      lane.state = 'idle'
      offer(lane)
      wake()
    })
  }

  /** Puts an entry in front of its lane, or among the unordered ones, at that time. */
  function giveBack(entry: Entry, time: number) {
    if (time > clock.now()) return agenda.at(time, () => giveBack(entry, time))
    if (isOrdered(entry)) {
      const lane = laneOf(entry)
      lane.queue.putBack([entry])
      offer(lane)
    } else ready.push(entry)
    wake()
  }

  function take(consumer: Consumer): Lease[] {
    const taken: Lease[] = []
    while (hasRoom(consumer)) {
      const next = ready.shift()
      if (!next) break
      if ('queue' in next) takeFromLane(next, consumer, taken)
      else if (!drop(next) && !holdBack(next)) taken.push(hand(next, consumer))
    }
    return taken
  }

  function takeFromLane(lane: Lane, consumer: Consumer, taken: Lease[]) {
    lane.state = 'idle'
    const most = config.push ? 1 : Number.POSITIVE_INFINITY
    while (lane.batch.length < most && lane.resumeAt <= clock.now() && hasRoom(consumer)) {
      const entry = lane.queue.shift()
      if (!entry) break
      if (drop(entry) || holdBack(entry, lane)) continue
      lane.batch.push(entry)
      taken.push(hand(entry, consumer))
    }
    offer(lane)
  }

  function hand(entry: Entry, consumer: Consumer): Lease {
    const deadline = clock.now() + (consumer.ackDeadlineSeconds ?? config.ackDeadlineSeconds) * 1000
    const ackId = ackIdOf(config.name, nextLease++)
    const lease = { ackId, message: entry.message, attempt: entry.failures + 1, entry, consumer, deadline }
    entry.lease = lease
    leases.set(ackId, lease)
    consumer.messages++
    consumer.bytes += entry.message.data.length
    totals.delivered++
    if (!config.push) watch(lease)
    const faults = entry.copy ? undefined : mischief()
    faults?.handed(entry)
    if (entry.failures === 0 && !isOrdered(entry) && faults?.duplicates(entry)) ready.push(copyOf(entry))
    return lease
  }

  /** A pulled message's deadline; a pushed one's is the HTTP timeout. */
  function watch(lease: HeldLease) {
    agenda.at(lease.deadline, () => {
      if (leases.get(lease.ackId) !== lease) return
      if (lease.deadline > clock.now()) return watch(lease)
      nack(lease)
    })
  }

  function release(lease: HeldLease) {
    leases.delete(lease.ackId)
    lease.entry.lease = undefined
    lease.consumer.messages--
    lease.consumer.bytes -= lease.message.data.length
  }

  function ack(lease: HeldLease) {
    const { entry } = lease
    const attempts = config.deadLetter?.maxDeliveryAttempts ?? Number.POSITIVE_INFINITY
    if (!entry.copy && mischief()?.losesAck(entry, attempts)) retry(lease)
    else complete(lease, 'acked')
    wake()
  }

  function nack(lease: HeldLease) {
    totals.nacked++
    const isLast = config.deadLetter !== null && lease.attempt >= config.deadLetter.maxDeliveryAttempts
    if (lease.entry.copy) complete(lease, 'acked')
    else if (isLast && deps.deadLetter(config, lease.message)) complete(lease, 'deadLettered')
    else retry(lease)
    wake()
  }

  function extend(lease: HeldLease, seconds: number) {
    if (seconds === 0) return nack(lease)
    const deadline = clock.now() + seconds * 1000
    const isSooner = deadline < lease.deadline
    lease.deadline = deadline
    if (isSooner) watch(lease)
  }

  function retry(lease: HeldLease) {
    const { entry } = lease
    entry.failures++
    const resumeAt = clock.now() + backoffMs(config, entry.failures)
    if (isOrdered(entry)) return rewind(laneOf(entry), entry, resumeAt)
    release(lease)
    giveBack(entry, resumeAt)
  }

  /** A redelivery keeps the order only if what came after it in the batch comes again too, acked or not. */
  function rewind(lane: Lane, from: Entry, resumeAt: number) {
    const again = lane.batch.splice(lane.batch.indexOf(from))
    for (const entry of again) {
      if (entry.lease) release(entry.lease)
      if (entry.outcome === 'acked') entry.outcome = undefined
      if (entry.outcome) finish(entry, entry.outcome)
    }
    lane.queue.putBack(again.filter(entry => !entry.outcome))
    lane.resumeAt = resumeAt
    offer(lane)
  }

  function complete(lease: HeldLease, outcome: Outcome) {
    const { entry } = lease
    release(lease)
    if (!isOrdered(entry)) return finish(entry, outcome)
    entry.outcome = outcome
    const lane = laneOf(entry)
    for (let first = lane.batch[0]; first?.outcome; first = lane.batch[0]) {
      lane.batch.shift()
      repeatInLane(lane, first)
      finish(first, first.outcome)
    }
    offer(lane)
  }

  function drop(entry: Entry): boolean {
    if (clock.now() - entry.message.publishTime < config.retentionSeconds * 1000) return false
    finish(entry, 'expired')
    return true
  }

  function finish(entry: Entry, outcome: Outcome) {
    pending--
    if (!entry.copy) {
      totals[outcome]++
      deps.settled(entry.message)
    }
    if (pending === 0) deps.emptied()
  }

  /** Injects faults of a first delivery; true when it has to wait, alone or with its lane. */
  function holdBack(entry: Entry, lane?: Lane): boolean {
    const faults = mischief()
    if (!faults || entry.decided) return false
    entry.decided = true
    const { wait, alone } = faults.holds(entry)
    if (wait === 0) return false
    const until = clock.now() + wait
    if (lane && !alone) {
      lane.queue.putBack([entry])
      lane.resumeAt = until
    } else giveBack(entry, until)
    return true
  }

  function repeatInLane(lane: Lane, entry: Entry) {
    const faults = mischief()
    if (!faults || entry.copy) return
    remember(lane, entry)
    if (!faults.duplicates(entry)) return
    lane.queue.putBack(lane.recent.slice(-faults.repeats(entry, lane.recent.length)).map(copyOf))
  }

  function copyOf(entry: Entry): Entry {
    if (deps.mischief) deps.mischief.injected.duplicates++
    pending++
    return { ...entry, copy: true, decided: true, outcome: undefined, lease: undefined }
  }

  function withLease(ackId: string, act: (lease: HeldLease) => void): boolean {
    const lease = leases.get(ackId)
    if (lease) act(lease)
    return lease !== undefined
  }

  return {
    config,
    add(messages) {
      messages.forEach(add)
      wake()
    },
    attach(consumer) {
      consumers.push(consumer)
      consumer.wake()
      return () => {
        if (consumers.includes(consumer)) consumers.splice(consumers.indexOf(consumer), 1)
      }
    },
    take,
    ack: ackId => withLease(ackId, ack),
    nack: ackId => withLease(ackId, nack),
    extend: (ackId, seconds) => withLease(ackId, lease => extend(lease, seconds)),
    stats() {
      const injected = { ...nothingInjected, ...deps.mischief?.injected }
      return { ...totals, outstanding: leases.size, backlog: pending - leases.size, injected }
    },
    close() {
      pending = 0
      leases.clear()
      lanes.clear()
      for (const consumer of consumers.splice(0)) consumer.end()
      deps.emptied()
    }
  }
}
