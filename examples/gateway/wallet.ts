/**
 * A user's side: keys, and signatures of challenges.
 *
 *   bun examples/gateway/wallet.ts new               a secret key
 *   bun examples/gateway/wallet.ts public SECRET     its public key
 *   bun examples/gateway/wallet.ts sign SECRET CHALLENGE
 */
import { schnorr } from '@noble/curves/secp256k1.js'

const bytes = (hex: string) => Buffer.from(hex, 'hex')
const hex = (of: Uint8Array) => Buffer.from(of).toString('hex')

export const newSecret = (): string => hex(schnorr.utils.randomSecretKey())
export const publicKeyOf = (secret: string): string => hex(schnorr.getPublicKey(bytes(secret)))
export const sign = (secret: string, challenge: string): string => hex(schnorr.sign(bytes(challenge), bytes(secret)))

if (import.meta.main) {
  const [command, secret = '', challenge = ''] = process.argv.slice(2)
  if (command === 'new') console.log(newSecret())
  else if (command === 'public') console.log(publicKeyOf(secret))
  else if (command === 'sign') console.log(sign(secret, challenge))
  else {
    console.error('usage: wallet.ts new | public SECRET | sign SECRET CHALLENGE')
    process.exit(64)
  }
}
