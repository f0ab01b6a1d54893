/** Signs checkpoints with Ed25519, and hides secrets, with one key in one file. @see RFC 8032 */
import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, hkdfSync, sign, verify } from 'node:crypto'
import { type Checkpoint, type Link, signedText } from './chain.ts'

export interface Signer {
  /** PEM (SPKI). */
  readonly publicKey: string
  sign(use: 'head' | 'anchor', link: Link, timeMs: number): Checkpoint
  /** @returns `hmac-sha256:` and 32 hex digits, the same for the same value */
  hide(value: string): string
}

/** @returns PEM (PKCS #8) of a new private key */
export const makeSigningKey = (): string =>
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

/** @param pem PKCS #8 @throws when it is none */
export function createSigner(pem: string): Signer {
  const key = createPrivateKey(pem)
  const salt = Buffer.from(
    hkdfSync('sha256', key.export({ type: 'pkcs8', format: 'der' }), 'arkwatch', 'audit-hmac', 32),
  )
  return {
    publicKey: createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString(),
    sign(use, { seq, hash }, timeMs) {
      const link = { seq, hash, timeMs }
      return { ...link, signature: sign(null, Buffer.from(signedText(use, link)), key).toString('base64') }
    },
    hide: (value) => `hmac-sha256:${createHmac('sha256', salt).update(value).digest('hex').slice(0, 32)}`,
  }
}

/** Whether a checkpoint was signed by the owner of a key, for this use. @param publicKey PEM (SPKI) */
export const isSigned = (use: 'head' | 'anchor', checkpoint: Checkpoint, publicKey: string): boolean =>
  typeof checkpoint.signature === 'string' &&
  verify(null, Buffer.from(signedText(use, checkpoint)), publicKey, Buffer.from(checkpoint.signature, 'base64'))
