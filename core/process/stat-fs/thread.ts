/** Asks statfs(2) for one path after the other, until null is sent. */
import { statfsSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'

parentPort?.on('message', (path: string | null) => {
  if (path === null) return parentPort?.close()
  try {
    parentPort?.postMessage({ stat: statfsSync(path) })
  } catch (error) {
    parentPort?.postMessage({ error })
  }
})
parentPort?.postMessage('ready')
