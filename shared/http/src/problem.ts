import { STATUS_CODES } from 'node:http'
import type { FastifyReply } from 'fastify'

/** An answer that a route gives on purpose: status and words for the client. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem'
  readonly status: number

  constructor(status: number, detail: string) {
    super(detail)
    this.status = status
  }
}

/** Problem details (RFC 9457). */
export function sendProblem(reply: FastifyReply, problem: { status: number; detail: string }): FastifyReply {
  const { status, detail } = problem
  const body = {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail,
    instance: reply.request.url
  }
  if (status === 401) reply.header('www-authenticate', 'Bearer')
  return reply.status(status).type('application/problem+json').send(JSON.stringify(body))
}
