import { defineErrors } from '../../core/plugin.ts'

export const auditError = defineErrors('audit', {
  AUDIT_UNAVAILABLE: {
    status: 503,
    message: 'this cannot be recorded, and is therefore refused: {reason}',
    help: 'See the state of the plugins store and audit with `arkwatch plugins`, and remove the reason that is shown there.',
  },
  AUDIT_KEY: {
    message: 'cannot use the signing key {file}: {reason}',
    help: 'The file must hold an Ed25519 private key (PKCS #8, PEM), for its owner alone (0600). Without the key old records cannot be verified: restore it from a backup.',
  },
  AUDIT_EXPORT_INVALID: {
    message: '{file} is not an export of an audit log: {reason}',
    help: 'Make one with `arkwatch audit export`.',
  },
})
