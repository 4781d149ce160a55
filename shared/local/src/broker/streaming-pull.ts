import type { handleBidiStreamingCall } from '@grpc/grpc-js'
import { BrokerError, invalid } from './errors.ts'
import { toServiceError } from './grpc.ts'
import type { Consumer } from './lease.ts'
import type { Subscription } from './subscription.ts'
import { fromLease } from './wire.ts'

type Request = {
  subscription: string
  ackIds: string[]
  modifyDeadlineSeconds: number[]
  modifyDeadlineAckIds: string[]
  streamAckDeadlineSeconds: number
  maxOutstandingMessages: number
  maxOutstandingBytes: number
}

type Session = { subscription: Subscription; consumer: Consumer; detach: () => void }

const unlimited = (value: number): number => (value > 0 ? value : Number.POSITIVE_INFINITY)

/** The first request opens the stream; later ones ack, nack, extend, or are empty and only ask whether it still lives. */
export function createStreamingPull(
  find: (subscription: string) => Subscription
): handleBidiStreamingCall<Request, unknown> {
  return call => {
    let session: Session | undefined

    function open(request: Request): Session {
      const { streamAckDeadlineSeconds: seconds } = request
      if (seconds < 10 || seconds > 600) throw invalid(`stream_ack_deadline_seconds is ${seconds}: must be 10 to 600.`)
      const subscription = find(request.subscription)
      let scheduled = false
      function deliver() {
        scheduled = false
        if (call.cancelled || call.writableEnded || call.writableNeedDrain) return
        const leases = subscription.take(consumer)
        if (leases.length === 0) return
        call.write({ receivedMessages: leases.map(lease => fromLease(lease, subscription.config)) })
      }
      const consumer: Consumer = {
        maxMessages: unlimited(request.maxOutstandingMessages),
        maxBytes: unlimited(request.maxOutstandingBytes),
        ackDeadlineSeconds: seconds,
        messages: 0,
        bytes: 0,
        wake() {
          if (!scheduled) setImmediate(deliver)
          scheduled = true
        },
        end: () => fail(toServiceError(gone(subscription)))
      }
      call.on('drain', deliver)
      call.write({ subscriptionProperties: { messageOrderingEnabled: subscription.config.ordered } })
      return { subscription, consumer, detach: subscription.attach(consumer) }
    }

    function serve({ subscription }: Session, request: Request) {
      if (request.subscription !== '') throw invalid('subscription is set on a request that is not the first.')
      const { ackIds, modifyDeadlineAckIds, modifyDeadlineSeconds } = request
      for (const ackId of ackIds) subscription.ack(ackId)
      for (const [index, ackId] of modifyDeadlineAckIds.entries()) {
        subscription.extend(ackId, modifyDeadlineSeconds[index] ?? 0)
      }
      call.write({})
    }

    function fail(error: { code: number; details: string }) {
      session?.detach()
      call.emit('error', error)
    }

    call.on('data', request => {
      try {
        if (session) serve(session, request)
        else session = open(request)
      } catch (error) {
        fail(toServiceError(error))
      }
    })
    call.on('cancelled', () => session?.detach())
    call.on('end', () => {
      session?.detach()
      call.end()
    })
  }
}

const gone = ({ config: { name } }: Subscription) =>
  new BrokerError('NOT_FOUND', `Subscription does not exist (resource=${name}).`)
