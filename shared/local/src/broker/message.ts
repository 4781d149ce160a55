/** What a publisher gave. No ordering key is the empty string, as on the wire. */
export type NewMessage = {
  readonly data: Buffer
  readonly attributes: Readonly<Record<string, string>>
  readonly orderingKey: string
}

export type Message = NewMessage & {
  /** Decimal digits, unique in the broker, rising in publish order. */
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly publishTime: number
}
