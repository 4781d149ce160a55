import { HttpProblem } from '@fusion-prime/http'
import { Nullable } from '@fusion-prime/operations'
import type { Sql } from '@fusion-prime/postgres'
import type { FastifyPluginAsync } from 'fastify'
import { type Static, Type } from 'typebox'
import { type Command, type CommandQuery, findCommand, listCommands } from './store.ts'
import { CommandParams, CommandStatus, CommandView, viewOf } from './view.ts'

const ListQuery = Type.Object({
  status: Type.Optional(CommandStatus),
  account_ref: Type.Optional(Type.String()),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
  cursor: Type.Optional(Type.String())
})
const CommandPage = Type.Object({ items: Type.Array(CommandView), next_cursor: Nullable(Type.String()) })

/** What became of commands. */
export function commandRoutes({ sql }: { sql: Sql }): FastifyPluginAsync {
  return async app => {
    const tags = ['commands']

    app.get<{ Params: Static<typeof CommandParams> }>(
      '/commands/:command_id/status',
      {
        schema: {
          operationId: 'getCommandStatus',
          summary: 'What became of a command, and why',
          tags,
          params: CommandParams,
          response: { 200: CommandView }
        }
      },
      async ({ params: { command_id } }) => viewOf(await requireCommand(sql, command_id))
    )

    app.get<{ Querystring: Static<typeof ListQuery> }>(
      '/commands',
      {
        schema: {
          operationId: 'listCommands',
          summary: 'Commands, newest first, a page at a time',
          tags,
          querystring: ListQuery,
          response: { 200: CommandPage }
        }
      },
      async ({ query: { status, account_ref, limit = 50, cursor } }) => {
        const before = cursor === undefined ? undefined : parseCursor(cursor)
        const commands = await listCommands(sql, { status, accountRef: account_ref, before, limit: limit + 1 })
        const page = commands.slice(0, limit)
        const last = page.at(-1)
        return { items: page.map(viewOf), next_cursor: commands.length > limit && last ? formatCursor(last) : null }
      }
    )
  }
}

/** Throws an HttpProblem for a command that isn't there. */
export async function requireCommand(sql: Sql, command_id: string): Promise<Command> {
  const command = await findCommand(sql, command_id)
  if (!command) throw unknownCommand(command_id)
  return command
}

export const unknownCommand = (command_id: string): HttpProblem =>
  new HttpProblem(404, `there is no command ${command_id}`)

type Cursor = NonNullable<CommandQuery['before']>

const formatCursor = ({ created_at, command_id }: Cursor): string =>
  Buffer.from(`${created_at} ${command_id}`).toString('base64url')

function parseCursor(cursor: string): Cursor {
  const [, created_at, command_id] =
    /^(\d{4}-\d\d-\d\dT[0-9:.]{12}Z) ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(
      Buffer.from(cursor, 'base64url').toString()
    ) ?? []
  if (!created_at || !command_id || !isTime(created_at))
    throw new HttpProblem(400, 'cursor is not one that this service gave')
  return { created_at, command_id }
}

/** A day that no calendar has parses as another one here, and is an error in Postgres. */
function isTime(text: string): boolean {
  const parsed = new Date(text)
  return !Number.isNaN(parsed.valueOf()) && parsed.toISOString() === text && !text.startsWith('0000')
}
