import { z } from 'zod'
import { duration, size } from '../../core/plugin.ts'

export const StoreConfig = z.strictObject({
  file: z
    .string()
    .regex(/^[\w.-]+$/)
    // A file that is not SQLite's would be set aside, a signing key too.
    .regex(/^(?!(?:arkwatch|overlay|admin|audit)\.)/, 'the name of a file that Arkwatch keeps in the data directory')
    .default('store.db')
    .describe('Name of the file in the data directory.'),
  maxSize: size({ min: '1MiB' }).prefault('1GiB').describe('Size of the file above which writes are refused.'),
  maxQueue: z.int().min(1).max(1_000_000).default(10_000).describe('Requests that may wait for the writer.'),
  maintainEvery: duration({ min: '1s' })
    .prefault('1m')
    .describe('How often rows past their retention are deleted and free pages returned to the file system.'),
})
export type StoreConfig = z.output<typeof StoreConfig>
