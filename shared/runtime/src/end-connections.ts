import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/** From the start of closing until connections are cut on which nothing has come. */
const SILENT_MS = 500
/** … and until all are, whatever they wait for: less than a process has to end. */
const ANSWER_MS = 8_000

/**
 * Watches a server's connections from now on; what it answers is to be called when the server closes, or one on which nothing ever came,
 * or never the rest of a request, would keep it open.
 */
export function createConnectionEnd(server: Server): () => void {
  const sockets = new Set<Socket>()
  server.on('connection', socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const cutSilent = () => {
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
  }
  return () => {
    const cuts = [setTimeout(cutSilent, SILENT_MS), setTimeout(() => server.closeAllConnections(), ANSWER_MS)]
    server.once('close', () => {
      for (const cut of cuts) clearTimeout(cut)
    })
  }
}
