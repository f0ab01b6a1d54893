/** The codes of the admin API. Each has the HTTP status that it answers with. */
import { type ArkwatchError, defineErrors, httpStatusOf } from '../../core/plugin.ts'

export const adminError = defineErrors('admin', {
  ADMIN_UNAUTHORIZED: {
    status: 401,
    message: 'no valid key',
    help: 'Send a key in the header Authorization, behind `Bearer`, or in X-Admin-Key. A key in the URL is not read.',
  },
  ADMIN_LOCKED_OUT: {
    status: 429,
    message: 'too many failed attempts from this address',
    help: 'Wait as long as Retry-After says. A valid key is answered all the while.',
  },
  ADMIN_RATE_LIMITED: {
    status: 429,
    message: 'the key {name} has made more than {limit} requests in {seconds} s',
    help: 'Wait as long as Retry-After says, or raise `plugins.admin.rateLimit`.',
  },
  ADMIN_FORBIDDEN: {
    status: 403,
    message: 'a key with the role {role} may not call {operation}, which requires {access}',
    help: 'Use a key with that role and scope: `arkwatch keys list` shows roles and scopes, `arkwatch keys create` makes one.',
  },
  ADMIN_HOST_REFUSED: {
    status: 403,
    message: 'the host of the request is not an allowed one',
    help: 'If this host is legitimate, add it to `plugins.admin.allowedHosts`.',
  },
  ADMIN_ORIGIN_REFUSED: {
    status: 403,
    message: 'the origin of the request is not an allowed one',
    help: 'If this origin is legitimate, add it to `plugins.admin.allowedOrigins`.',
  },
  ADMIN_CSRF: {
    status: 403,
    message: 'a change within a browser session needs the CSRF token of that session',
    help: 'Send the `csrf` value of GET /admin/session as X-CSRF-Token.',
  },
  ADMIN_NOT_FOUND: { status: 404, message: 'there is no {what}', help: '{where}' },
  ADMIN_BODY: {
    status: 400,
    message: 'the body cannot be read: {reason}',
    help: 'Send one JSON value as application/json; `{}` for an empty one.',
  },
  ADMIN_BODY_LARGE: { status: 413, message: 'the body is larger than {bytes} bytes', help: 'Send less.' },
  ADMIN_BODY_SLOW: {
    status: 408,
    message: 'the body did not arrive within {seconds} s',
    help: 'Send the whole body without pauses; the connection is closed.',
  },
  ADMIN_BODY_BUSY: {
    status: 503,
    message: 'as many bodies of {caller} are being received as allowed: {limit}',
    help: 'Try again when Retry-After says.',
  },
  ADMIN_INVALID: { status: 422, message: 'the request is not valid', help: 'See `errors` for each place and reason.' },
  ADMIN_CONFIG_PROTECTED: {
    status: 403,
    message: 'the change sets keys that cannot be set over the API',
    help: 'See `errors`. Change config.yaml, or run `arkwatch config apply` on the machine.',
  },
  ADMIN_OWN_PLUGIN: {
    status: 409,
    message: 'the API needs {plugin} and cannot turn that plugin on or off',
    help: 'Set `plugins.{plugin}.enabled` in config.yaml, or run `arkwatch plugins disable {plugin}` on the machine.',
  },
  ADMIN_PRECONDITION: {
    status: 412,
    message: 'the resource has changed since: If-Match {seen} is not {current}',
    help: 'Read the resource again, and send the ETag of that answer.',
  },
  ADMIN_PRECONDITION_REQUIRED: {
    status: 428,
    message: 'this change needs If-Match',
    help: 'Read the resource first, and send the ETag of that answer.',
  },
  ADMIN_IDEMPOTENCY_REUSED: {
    status: 422,
    message: 'this Idempotency-Key belongs to another request',
    help: 'Make a new key for each request; send the same one only to repeat that request.',
  },
  ADMIN_IDEMPOTENCY_BUSY: {
    status: 409,
    message: 'the first request with this Idempotency-Key is still in progress',
    help: 'Wait for the answer and send the request again.',
  },
  ADMIN_IDEMPOTENCY_FULL: {
    status: 503,
    message: '{limit} requests with an Idempotency-Key are in progress',
    help: 'Wait for some to end, and try again.',
  },
  ADMIN_PLUGIN_MISSING: {
    status: 501,
    message: 'this needs the plugin {plugin}, which is not running',
    help: 'Name the plugin under `plugins` in config.yaml; the README lists the plugins that exist.',
  },
  ADMIN_JOB_LIMIT: {
    status: 503,
    message: '{limit} jobs are running already',
    help: 'Wait for a job to end, or cancel one.',
  },
  ADMIN_JOB_IGNORES_SIGNAL: {
    message: 'a job {kind} was given up, since it ran for {graceMs} ms after it was cancelled',
    help: 'End the job when its `signal` aborts.',
  },
  ADMIN_STREAM_LIMIT: {
    status: 503,
    message: 'as many event streams of {caller} are open as allowed: {limit}',
    help: 'Close one, or raise `plugins.admin.maxStreams`: one key opens at most half of them.',
  },
  ADMIN_KEY_LIMIT: { status: 409, message: '{what}', help: 'Revoke a key that nobody uses.' },
  ADMIN_ROUTES_INVALID: {
    message: 'the admin routes of {plugin} are refused: {what}',
    help: 'Declare every route by createRoute({ ...operation({ id, access, summary }), ... }).',
  },
  ADMIN_PAGES_INVALID: {
    message: 'the admin pages of {plugin} are refused: {what}',
    help: 'Contribute adminPages({ path, root }) with a free path such as /admin/console and files within the limits.',
  },
  ADMIN_TOPIC_INVALID: {
    message: 'the event topic {topic} of {plugin} is refused: {what}',
    help: 'Contribute eventTopic({ name, access, open }) with a free name of lower-case letters, digits and hyphens.',
  },
  ADMIN_EVENT_INVALID: {
    message: 'an event is refused: {what}',
    help: 'Send plain JSON of at most 256 KiB, with a text as the name and an integer as the id.',
  },
  ADMIN_COMMAND_FAILED: {
    status: 502,
    message: 'the command of {service} {what}',
    help: 'Run the command by hand; `plugins.admin.services` holds its arguments.',
  },
  ADMIN_TLS: {
    message: 'cannot use the certificate: {reason}',
    help: 'Check the files of `plugins.admin.listen.tls`: a certificate and its private key, both in PEM.',
  },
})

/** @returns the service of a plugin @throws ADMIN_PLUGIN_MISSING while the plugin is off */
export function required<Service>(service: Service | undefined, plugin: string): Service {
  if (service === undefined) throw adminError('ADMIN_PLUGIN_MISSING', { plugin })
  return service
}

/** HTTP status of an error; what its table gives none could not be done with what was sent. */
export const statusOf = (error: Pick<ArkwatchError, 'code'>): number => httpStatusOf(error) ?? 422
