import { defineErrors } from '../../core/plugin.ts'

export const storeError = defineErrors('store', {
  STORE_UNAVAILABLE: {
    status: 503,
    message: 'the store cannot be used: {reason}',
    help: '{remedy} The README of the plugin store lists the causes.',
  },
  STORE_QUEUE_FULL: {
    status: 503,
    message: 'the store has {limit} requests waiting already',
    help: 'Write less, or raise `plugins.store.maxQueue`; of iterations, end one first.',
  },
  STORE_STATEMENT_FAILED: {
    message: 'the store refuses a statement of {area}: {reason}',
    help: 'This is a fault of the plugin that owns the tables: report it to its author.',
  },
  STORE_MIGRATION_FAILED: {
    message: 'cannot bring the tables of {area} from version {from} to {to}: {reason}',
    help: 'Nothing was changed. Start the version of Arkwatch that wrote the file, or restore the file from a backup.',
  },
})

export type StoreCode = 'STORE_UNAVAILABLE' | 'STORE_QUEUE_FULL' | 'STORE_STATEMENT_FAILED' | 'STORE_MIGRATION_FAILED'
