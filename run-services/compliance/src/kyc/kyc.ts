/** What becomes of a KYC case; a pure state machine. */

export const kycStatuses = ['created', 'pending', 'verified', 'rejected', 'review', 'expired'] as const
export type KycStatus = (typeof kycStatuses)[number]

/** Rejected is the end of a case: its user may open another one. */
const transitions: Readonly<Record<KycStatus, readonly KycStatus[]>> = {
  created: ['pending', 'review', 'rejected', 'expired'],
  pending: ['verified', 'review', 'rejected', 'expired'],
  review: ['verified', 'pending', 'rejected', 'expired'],
  verified: ['review', 'expired'],
  expired: ['pending'],
  rejected: []
}

export const mayMove = (from: KycStatus, to: KycStatus): boolean => transitions[from].includes(to)

/** An ended case makes room for another one of its user. */
export const hasEnded = (status: KycStatus): boolean => status === 'rejected' || status === 'expired'

const DAY_MS = 86_400_000

/** When a verification of that age was made. */
export const daysBefore = (now: Date, days: number): Date => new Date(now.getTime() - days * DAY_MS)

/** The state that counts at a time: a verification is valid for so many days, whether or not anybody looked since. */
export function statusAt(
  { status, verified_at }: { status: KycStatus; verified_at: Date | null },
  { now, validDays }: { now: Date; validDays: number }
): KycStatus {
  const isOver = status === 'verified' && (!verified_at || verified_at < daysBefore(now, validDays))
  return isOver ? 'expired' : status
}

/** How users are found: an address is the same user however its letters are written. */
export const userKey = (user_id: string): string =>
  /^0x[0-9a-f]{40}$/i.test(user_id) ? user_id.toLowerCase() : user_id

/** An entry of a sanctions list that a name is like. */
export type NameMatch = { name: string; list: string; score: number }

/** By which an entry is dismissed: an operator found that it is somebody else. */
export const entryKey = ({ list, name }: Pick<NameMatch, 'list' | 'name'>): string => `${list}: ${name}`
