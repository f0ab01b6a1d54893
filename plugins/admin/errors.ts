/** The codes of the admin API. Each has the HTTP status that it answers with. */
import { type ArkwatchError, defineErrors } from '../../core/errors.ts'

export const adminError = defineErrors({
  ADMIN_UNAUTHORIZED: {
    message: 'no valid key',
    help: 'Send a key as `Authorization: Bearer KEY` or `X-Admin-Key: KEY`. It is never read from the URL.',
  },
  ADMIN_LOCKED_OUT: {
    message: 'too many failed attempts from this address',
    help: 'Wait as long as Retry-After says. A valid key is answered all the while.',
  },
  ADMIN_RATE_LIMITED: {
    message: 'the key {name} has made more than {limit} requests in {seconds} s',
    help: 'Wait as long as Retry-After says, or raise `plugins.admin.rateLimit`.',
  },
  ADMIN_FORBIDDEN: {
    message: 'a key with the role {role} may not call {operation}: it asks for {access}',
    help: 'Use a key that has it: `arkwatch keys list` shows roles and scopes, `arkwatch keys create` makes one.',
  },
  ADMIN_HOST_REFUSED: {
    message: 'the host of the request is not one of ours',
    help: 'Add it to `plugins.admin.allowedHosts`, if it is.',
  },
  ADMIN_ORIGIN_REFUSED: {
    message: 'the origin of the request is not one of ours',
    help: 'Add it to `plugins.admin.allowedOrigins`, if it is.',
  },
  ADMIN_CSRF: {
    message: 'a change within a browser session needs its token',
    help: 'Send the `csrf` value of GET /admin/session as X-CSRF-Token.',
  },
  ADMIN_NOT_FOUND: { message: 'there is no {what}', help: '{where}' },
  ADMIN_BODY: {
    message: 'the body cannot be read: {reason}',
    help: 'Send one JSON value as application/json; `{}` where there is nothing to say.',
  },
  ADMIN_BODY_LARGE: { message: 'the body is larger than {bytes} bytes', help: 'Send less.' },
  ADMIN_BODY_SLOW: {
    message: 'the body did not arrive within {seconds} s',
    help: 'Send it at once; the connection is closed.',
  },
  ADMIN_BODY_BUSY: { message: '{limit} bodies are on their way already', help: 'Try again when Retry-After says.' },
  ADMIN_INVALID: { message: 'the request is not valid', help: 'See `errors`: each tells where and what.' },
  ADMIN_CONFIG_PROTECTED: {
    message: 'the change touches what cannot be set over the API',
    help: 'See `errors`. Change config.yaml, or run `arkwatch config apply` on the machine.',
  },
  ADMIN_OWN_PLUGIN: {
    message: 'the API stands on {plugin}, and cannot turn it on or off',
    help: 'Set `plugins.{plugin}.enabled` in config.yaml, or run `arkwatch plugins disable {plugin}` on the machine.',
  },
  ADMIN_PRECONDITION: {
    message: 'it was changed since: If-Match {seen} is not {current}',
    help: 'Read it again, and send the ETag of what you read.',
  },
  ADMIN_PRECONDITION_REQUIRED: {
    message: 'this change needs If-Match',
    help: 'Read it first, and send the ETag of what you read.',
  },
  ADMIN_IDEMPOTENCY_REUSED: {
    message: 'this Idempotency-Key belongs to another request',
    help: 'Make a new key for each request; send the same one only to repeat that request.',
  },
  ADMIN_IDEMPOTENCY_BUSY: {
    message: 'the first request with this Idempotency-Key is still under way',
    help: 'Wait for its answer and send it again.',
  },
  ADMIN_IDEMPOTENCY_FULL: {
    message: '{limit} requests with an Idempotency-Key are under way',
    help: 'Wait for some to end, and try again.',
  },
  ADMIN_PLUGIN_MISSING: {
    message: 'this needs the plugin {plugin}, which is not running',
    help: 'Name it under `plugins` in config.yaml; `arkwatch check` lists the plugins that this version has.',
  },
  ADMIN_JOB_LIMIT: { message: '{limit} jobs are running already', help: 'Wait for one to end, or cancel one.' },
  ADMIN_STREAM_LIMIT: {
    message: '{limit} streams are open already',
    help: 'Close one, or raise `plugins.admin.maxStreams`.',
  },
  ADMIN_KEY_LIMIT: { message: '{what}', help: 'Revoke a key that nobody uses.' },
  ADMIN_ROUTES_INVALID: {
    message: 'the admin routes of {plugin} are refused: {what}',
    help: 'Declare every route by createRoute({ ...operation({ id, access, summary }), ... }).',
  },
  ADMIN_COMMAND_FAILED: {
    message: 'the command of {service} {what}',
    help: 'Run it by hand; `plugins.admin.services` holds its arguments.',
  },
  ADMIN_TLS: {
    message: 'cannot read the certificate: {reason}',
    help: 'Check `plugins.admin.tls`; both files hold PEM.',
  },
})

const statuses: Readonly<Record<string, number>> = {
  ADMIN_UNAUTHORIZED: 401,
  ADMIN_LOCKED_OUT: 429,
  ADMIN_RATE_LIMITED: 429,
  ADMIN_FORBIDDEN: 403,
  ADMIN_HOST_REFUSED: 403,
  ADMIN_ORIGIN_REFUSED: 403,
  ADMIN_CSRF: 403,
  ADMIN_NOT_FOUND: 404,
  ADMIN_BODY: 400,
  ADMIN_BODY_LARGE: 413,
  ADMIN_BODY_SLOW: 408,
  ADMIN_BODY_BUSY: 503,
  ADMIN_INVALID: 422,
  ADMIN_CONFIG_PROTECTED: 403,
  ADMIN_OWN_PLUGIN: 409,
  ADMIN_PRECONDITION: 412,
  ADMIN_PRECONDITION_REQUIRED: 428,
  ADMIN_IDEMPOTENCY_REUSED: 422,
  ADMIN_IDEMPOTENCY_BUSY: 409,
  ADMIN_IDEMPOTENCY_FULL: 503,
  ADMIN_PLUGIN_MISSING: 501,
  ADMIN_JOB_LIMIT: 503,
  ADMIN_STREAM_LIMIT: 503,
  ADMIN_KEY_LIMIT: 409,
  ADMIN_COMMAND_FAILED: 502,
  CHANGE_STALE: 412,
  CHANGE_PENDING: 409,
  CHANGE_UNKNOWN: 404,
  PLUGIN_NOT_THERE: 404,
  RELOAD_BUSY: 409,
  STORE_UNAVAILABLE: 503,
  STORE_QUEUE_FULL: 503,
  AUDIT_UNAVAILABLE: 503,
  LOG_TAIL_LIMIT: 503,
  POOL_UNKNOWN: 404,
  POOL_NOT_OWNED: 409,
  POOL_STATEMENT_UNKNOWN: 404,
  POOL_TIMEOUT: 503,
  POOL_UNAVAILABLE: 503,
  POOL_CLOSED: 503,
}

/** HTTP status of an error; what is not in the table could not be done with what was sent. */
export const statusOf = ({ code }: Pick<ArkwatchError, 'code'>): number => statuses[code] ?? 422
