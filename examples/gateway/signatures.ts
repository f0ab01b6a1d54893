/** Signatures of users, as Nostr has them. @see BIP-340 */
import { createHash } from 'node:crypto'
import { schnorr } from '@noble/curves/secp256k1.js'

export const sha256 = (...parts: (string | Uint8Array)[]): Buffer => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** @param publicKey 64 hex digits @param signature 128 hex digits */
export function isSignedBy(publicKey: string, message: Uint8Array, signature: string): boolean {
  try {
    return schnorr.verify(Buffer.from(signature, 'hex'), message, Buffer.from(publicKey, 'hex'))
  } catch {
    // Not every 32 bytes are a point of the curve.
    return false
  }
}
