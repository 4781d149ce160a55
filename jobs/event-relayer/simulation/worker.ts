import { openDatabase } from './database.ts'
import { playSeed } from './play-seed.ts'
import type { Task } from './worker-process.ts'

const database = await openDatabase(process.argv[2] ?? '')

process.on('message', async ({ seed, without }: Task) => {
  process.send?.(await playSeed({ seed, database, without: new Set(without ? [without] : []) }))
})
process.once('disconnect', () => database.close())
