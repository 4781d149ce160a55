import { closeSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Message } from './message.ts'

/** What must outlive the process: publishes with the subscriptions they went to, and what happened to each since. */
export type Journal = {
  /** Messages of earlier runs that the subscription hasn't settled, in publish order; given once. */
  recover: (subscription: string) => Message[]
  /** When this returns the messages survive kill -9 of the process (not a power cut: nothing is synced). */
  published: (deliveries: readonly { message: Message; subscriptions: readonly string[] }[]) => void
  /** Written with the next publish or turn of the event loop: a lost one only means a redelivery. */
  settled: (subscription: string, messageId: string) => void
  dropped: (subscription: string) => void
  close: () => void
}

type Line =
  | {
      op: 'publish'
      to: readonly string[]
      id: string
      time: number
      key: string
      attributes: Record<string, string>
      data: string
    }
  | { op: 'settle'; of: string; id: string }
  | { op: 'drop'; of: string }

/** Opens (or makes) `journal.jsonl` in the directory and rewrites it without what is settled. Throws when a line but the last is broken. */
export async function openJournal(directory: string): Promise<Journal> {
  mkdirSync(directory, { recursive: true })
  const path = join(directory, 'journal.jsonl')
  const left = await readJournal(path)
  const compacted = openSync(`${path}.new`, 'w')
  for (const { message, subscriptions } of left.values()) {
    writeAll(compacted, toLine(message, [...subscriptions]))
  }
  renameSync(`${path}.new`, path)
  return appendTo(compacted, left)
}

/** Stands in for a journal when nothing has to outlive the process. */
export const noJournal: Journal = {
  recover: () => [],
  published: () => {},
  settled: () => {},
  dropped: () => {},
  close: () => {}
}

type Left = Map<string, { message: Message; subscriptions: Set<string> }>

function appendTo(file: number, left: Left): Journal {
  let pending = ''
  let closed = false
  function flush() {
    if (closed || pending === '') return
    const lines = pending
    pending = ''
    writeAll(file, lines)
  }
  function later(line: Line) {
    if (pending === '') setImmediate(flush)
    pending += `${JSON.stringify(line)}\n`
  }
  return {
    recover(subscription) {
      const messages: Message[] = []
      for (const [id, { message, subscriptions }] of left) {
        if (subscriptions.delete(subscription)) messages.push(message)
        if (subscriptions.size === 0) left.delete(id)
      }
      return messages
    },
    published(deliveries) {
      for (const { message, subscriptions } of deliveries) {
        if (subscriptions.length > 0) pending += toLine(message, subscriptions)
      }
      flush()
    },
    settled: (subscription, messageId) => later({ op: 'settle', of: subscription, id: messageId }),
    dropped: subscription => later({ op: 'drop', of: subscription }),
    close() {
      flush()
      closed = true
      closeSync(file)
    }
  }
}

async function readJournal(path: string): Promise<Left> {
  const left: Left = new Map()
  const file = await open(path, 'a+')
  try {
    let broken: { line: number; cause: unknown } | undefined
    let line = 0
    for await (const text of file.readLines({ start: 0 })) {
      line++
      if (broken)
        throw new Error(`${path}: line ${broken.line} is broken. Repair or delete it.`, { cause: broken.cause })
      try {
        apply(JSON.parse(text), left)
      } catch (cause) {
        broken = { line, cause } // the last line may be torn by a kill: nobody was told that it was written
      }
    }
  } finally {
    await file.close().catch(() => {}) // the stream of lines may have closed it
  }
  return left
}

function apply(line: Line, left: Left) {
  if (line.op === 'publish') {
    const { to, id, time, key, attributes, data } = line
    const message = { id, publishTime: time, orderingKey: key, attributes, data: Buffer.from(data, 'base64') }
    left.set(id, { message, subscriptions: new Set(to) })
    return
  }
  if (line.op === 'settle') return settle(left, line.id, line.of)
  for (const id of left.keys()) settle(left, id, line.of)
}

function settle(left: Left, id: string, subscription: string) {
  const entry = left.get(id)
  entry?.subscriptions.delete(subscription)
  if (entry?.subscriptions.size === 0) left.delete(id)
}

function toLine({ id, publishTime, orderingKey, attributes, data }: Message, to: readonly string[]): string {
  const line: Line = {
    op: 'publish',
    to,
    id,
    time: publishTime,
    key: orderingKey,
    attributes,
    data: data.toString('base64')
  }
  return `${JSON.stringify(line)}\n`
}

/** A write may take fewer bytes than it was given. */
function writeAll(file: number, text: string) {
  const bytes = Buffer.from(text)
  for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written)
}
