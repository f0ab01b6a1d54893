/** Details that show the full text of an error, for each whose placeholders stand for parts of a sentence. */
import type { ErrorDetails } from '../../core/contract/errors.ts'

export const errorExamples: Readonly<Record<string, ErrorDetails>> = {
  PLUGIN_TIMEOUT: {
    plugin: 'words',
    phase: 'start',
    timeoutMs: 10_000,
    waits: ': the thread words has not sent its first message, by serveRequests or announceReady',
  },
  CONTRIBUTION_REFUSED: { plugin: 'reports', point: 'routes', what: 'health answers GET /livez' },
  SERVICE_UNAVAILABLE: {
    service: 'store',
    why: ': plugin notes needs the service, and no plugin of the configuration provides it',
  },
  CHANGE_BLOCKS: { plugin: 'audit', why: 'needs the service store, which is not available' },
  CHANGE_UNKNOWN: { which: ' mk3f9a-1', was: ': mk3f9a-1 was rolled back (no confirmation came in time)' },
  FILE_SYSTEM_HANGS: { path: '/mnt/reports', reason: 'has not answered for 32 s' },
  LISTEN_FAILED: {
    host: '127.0.0.1',
    port: 9464,
    reason: 'the port is in use',
    holder: ' (held by prometheus, pid 812)',
  },
  DATA_FILE_DAMAGED: {
    file: 'data/overlay.yaml',
    reason: 'it is not a map in YAML, as `arkwatch check` shows',
    without: 'the settings of config.yaml are then in force',
  },
}
