import { defineErrors } from '../../core/plugin.ts'

export const poolError = defineErrors('pool', {
  POOL_TIMEOUT: {
    status: 503,
    message:
      'pool {pool}: no connection within {timeoutMs} ms (total {total}, active {active}, idle {idle}, waiting {waiting}); oldest holders: {holders}',
    help: 'See who holds connections with `arkwatch pool holders`; hold connections for less time, or raise `size`.',
  },
  POOL_QUEUE_FULL: {
    status: 503,
    message: 'pool {pool}: {limit} borrowers wait already',
    help: 'Shed load earlier, or raise `maxWaiting`.',
  },
  POOL_DEADLOCK: {
    message:
      'pool {pool}: every connection is held by code that waits for a further one; held since: {held}; asked again: {asked}',
    help: 'Use the connection that is held (`tx`) for the inner statement, or release the connection first.',
  },
  POOL_UNAVAILABLE: {
    status: 503,
    message: 'pool {pool}: the database cannot be reached: {reason}',
    help: 'See whether the server is up and `url` is right; the pool keeps trying.',
  },
  POOL_CLOSED: {
    status: 503,
    message: 'pool {pool} is closed',
    help: 'Run `arkwatch plugins restart pool` where the pool was drained; otherwise Arkwatch is stopping.',
  },
  POOL_CONNECTION_LOST: {
    status: 503,
    message: 'pool {pool}: the connection was lost while a statement ran',
    help: 'Whether the statement took effect is not known; repeat the statement only if that is safe (`idempotent: true`).',
  },
  POOL_STATEMENT_TIMEOUT: {
    status: 503,
    message: 'pool {pool}: a statement ran for more than {timeoutMs} ms: {statement}',
    help: 'Make the statement cheaper, or raise `statementTimeout`.',
  },
  POOL_ROLLED_BACK: {
    message: 'pool {pool}: the server rolled the transaction back, because a statement in it had failed',
    help: 'Let the error of the statement through, or guard it with a savepoint.',
  },
  POOL_RELEASED: {
    message: 'pool {pool}: the connection was released already',
    help: 'Use a reserved connection only before its release(), and a transaction only inside its function.',
  },
  POOL_UNKNOWN: {
    status: 404,
    message: 'pool {pool} does not exist; the pools are {known}',
    help: 'Add the pool under `plugins.pool.pools`.',
  },
  POOL_EXPLAIN_REFUSED: {
    message: 'EXPLAIN is refused: {reason}',
    help: 'Only one statement is explained; of those that the pool did not run itself, only a SELECT without locks.',
  },
  POOL_WATCH_REFUSED: {
    message: 'the pool {pool} cannot be watched: {reason}',
    help: 'Give a pg.Pool, a postgres.js or a Bun.SQL client, and an unused name in lower_snake_case.',
  },
  POOL_NOT_OWNED: {
    status: 409,
    message: 'the pool {pool} belongs to the application and is only watched',
    help: 'Pause, evict or drain it in the application.',
  },
  POOL_NEEDS_RESTART: {
    message: 'option {option} of pool cannot change while it runs',
    help: 'Restart Arkwatch with the new value.',
  },
  POOL_STATEMENT_UNKNOWN: {
    status: 404,
    message: 'pool {pool} has run no statement with the fingerprint {id}',
    help: '`arkwatch pool statements` and GET /admin/pool/statements list the fingerprints.',
  },
})
