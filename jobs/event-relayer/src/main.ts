import { boundHeap } from './memory.ts'

boundHeap() // before the modules are loaded, which alone make 30 MB of garbage
const { main } = await import('./modes.ts')
await main()
