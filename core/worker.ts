/** What the threads and tasks of a plugin may import. Published as `arkwatch/worker`: no zod, opens nothing. */
export type { Cancel, Clock } from './contract/clock.ts'
export { messageOf } from './contract/errors.ts'
export { createRedactor, type RedactOptions, type Redactor } from './contract/redact/redactor.ts'
export { isPortWithPath, maskPasswords } from './contract/redact/url-passwords.ts'
export type { Failure, JobResult, TaskContext, TaskResult } from './contract/tasks.ts'
export { systemClock, yieldToLoop } from './process/clock.ts'
export { readHeartbeat } from './process/heartbeat.ts'
export { announceReady, type RequestContext, type RequestHandler, serveRequests } from './process/serve-requests.ts'
