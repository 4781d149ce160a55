import type { Static, TSchema } from 'typebox'

/** A REST operation that one service calls on another: declared once, served and called by it. */
export type Operation<Request extends TSchema = TSchema, Answer extends TSchema = TSchema> = {
  /** Also the OpenAPI operationId, by which callers are allowed. */
  readonly id: string
  readonly method: 'GET' | 'POST'
  /** From the service's root; `:name` stands for a part that the caller gives. */
  readonly path: string
  /** The body, or the query of a GET. */
  readonly request: Request
  readonly answer: Answer
}

export function defineOperation<Request extends TSchema, Answer extends TSchema>(
  operation: Operation<Request, Answer>
): Operation<Request, Answer> {
  return operation
}

export type RequestOf<Op> = Op extends Operation<infer Request, TSchema> ? Static<Request> : never
export type AnswerOf<Op> = Op extends Operation<TSchema, infer Answer> ? Static<Answer> : never
