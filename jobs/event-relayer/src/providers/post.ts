import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { RpcFault } from './fault.ts'
import type { Headers } from './retry-after.ts'

const unzip = promisify(gunzip)

/** `bytes` came over the wire; the body may be longer. */
export type HttpAnswer = { status: number; headers: Headers; body: string; bytes: number }

/** Posts JSON. Throws an RpcFault: `split` for a body that is too large, `retry` for a timeout (its cause is a TimeoutError) or a broken connection. */
export type Post = (body: string, signal: AbortSignal) => Promise<HttpAnswer>

type PostOptions = {
  url: string
  /** From the request's start to the body's last byte. */
  timeoutMs: number
  /** Of a body, before and after decompression. */
  maxBytes: number
  maxSockets: number
}

/**
 * Posts over connections that are kept. On node:http, because it costs half the CPU time of `fetch` and a third of it where answers are small.
 * A redirect isn't followed: it is a refusal.
 */
export function createPost({ url, timeoutMs, maxBytes, maxSockets }: PostOptions): Post {
  const target = new URL(url)
  const secure = target.protocol === 'https:'
  const agent = new (secure ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets })
  const send = secure ? httpsRequest : httpRequest
  const headers = { 'content-type': 'application/json', 'accept-encoding': 'gzip' }

  const tooLarge = (cause?: unknown) =>
    new RpcFault(`${target.host} gave an answer of more than ${maxBytes} bytes`, { kind: 'split' }, { cause })

  function exchange(body: string, signal: AbortSignal): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const request = send(target, { method: 'POST', agent, headers, signal })
      const timer = setTimeout(() => request.destroy(timeoutError(timeoutMs)), timeoutMs)
      const fail = (error: unknown) => {
        clearTimeout(timer)
        reject(request.reusedSocket && isReset(error) ? new StaleSocket() : error)
      }
      request.on('error', fail)
      request.on('response', response => {
        const chunks: Buffer[] = []
        let bytes = 0
        response.on('error', fail)
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          chunks.push(chunk)
          if (bytes <= maxBytes) return
          fail(tooLarge())
          request.destroy()
        })
        response.on('end', () => {
          clearTimeout(timer)
          decode(response, Buffer.concat(chunks, bytes)).then(
            text => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text, bytes }),
            reject
          )
        })
        response.on('close', () => {
          if (!response.complete) fail(new Error('the connection was closed in the middle of the answer'))
        })
      })
      request.end(body)
    })
  }

  async function decode(response: IncomingMessage, body: Buffer): Promise<string> {
    if (response.headers['content-encoding'] !== 'gzip') return body.toString()
    try {
      return (await unzip(body, { maxOutputLength: maxBytes })).toString()
    } catch (error) {
      throw codeOf(error) === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(error) : error
    }
  }

  return async (body, signal) => {
    try {
      return await exchange(body, signal).catch(error => {
        if (error instanceof StaleSocket) return exchange(body, signal)
        throw error
      })
    } catch (error) {
      if (error instanceof RpcFault || signal.aborted) throw error
      throw new RpcFault(`${target.host} gave no answer: ${reasonOf(error)}`, { kind: 'retry' }, { cause: error })
    }
  }
}

/** A kept connection that the provider closed just as it was used again; nothing is known to be wrong. */
class StaleSocket extends Error {}

function timeoutError(timeoutMs: number): Error {
  const error = new Error(`timeout after ${timeoutMs} ms`)
  error.name = 'TimeoutError'
  return error
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined)
const isReset = (error: unknown): boolean => codeOf(error) === 'ECONNRESET' || codeOf(error) === 'EPIPE'

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message || String(codeOf(error) ?? error.name)
}
