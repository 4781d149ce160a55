import { createServer } from 'node:http'

/** Answers every push at once, on PORT or a free port; tells its parent which, and how many it answered when asked. */
let answered = 0
const server = createServer((request, response) => {
  answered += 1
  request.resume().on('end', () => response.writeHead(204).end())
})
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', 4096, () => {
  const address = server.address()
  process.send?.(typeof address === 'object' ? address?.port : address)
})
process.on('message', () => process.send?.(answered))
process.on('disconnect', () => process.exit())
