/** What runs in each thread of the pool: imports the job by its address, once, and calls it. */
import type { JobResult } from '../contract/tasks.ts'

type JobFunction = (input: unknown) => JobResult<unknown> | Promise<JobResult<unknown>>

export default async function run({ url, input }: { url: string; input: unknown }): Promise<JobResult<unknown>> {
  const { default: call } = (await import(url)) as { default: JobFunction }
  return call(input)
}
