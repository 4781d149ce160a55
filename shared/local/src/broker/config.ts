export type PushTarget = {
  readonly url: string
  /** null: no Authorization header */
  readonly token: { readonly audience: string; readonly email: string } | null
}

export type Backoff = { readonly minimumBackoffSeconds: number; readonly maximumBackoffSeconds: number }

export type SubscriptionConfig = {
  /** `projects/<project>/subscriptions/<name>` */
  readonly name: string
  /** `projects/<project>/topics/<name>`, or `_deleted-topic_` */
  topic: string
  /** null: messages are pulled */
  push: PushTarget | null
  readonly filter: string
  readonly ordered: boolean
  readonly ackDeadlineSeconds: number
  readonly retry: Backoff | null
  readonly deadLetter: { readonly topic: string; readonly maxDeliveryAttempts: number } | null
  readonly retentionSeconds: number
}

/** Without a retry policy a pull subscription gives a refused message out at once, a push one a little later. */
const PUSH_BACKOFF: Backoff = { minimumBackoffSeconds: 0.1, maximumBackoffSeconds: 60 }

/** Milliseconds between the n-th failure (from 1) of a message and its next delivery. */
export function backoffMs({ retry, push }: SubscriptionConfig, failures: number): number {
  const policy = retry ?? (push ? PUSH_BACKOFF : undefined)
  if (!policy) return 0
  return Math.min(policy.minimumBackoffSeconds * 2 ** (failures - 1), policy.maximumBackoffSeconds) * 1000
}
