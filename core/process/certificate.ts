/** The certificate of a listener, as its two files hold it. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import { messageOf } from '../contract/errors.ts'
import { readInTurn } from './files/turns.ts'

export interface CertificateRead {
  /** PEM texts; empty where the file cannot be used. */
  readonly cert: string
  readonly key: string
  /** When the certificate expires, in milliseconds since the epoch. */
  readonly expiresAtMs: number | undefined
  /** What is wrong, and with which file. */
  readonly problems: readonly { readonly part: 'cert' | 'key'; readonly what: string }[]
}

/** Reads and checks a certificate and its private key. @param directory relative paths begin here */
export async function readCertificate(
  files: { readonly cert: string; readonly key: string },
  directory: string,
): Promise<CertificateRead> {
  const problems: { part: 'cert' | 'key'; what: string }[] = []
  const read = async <T>(part: 'cert' | 'key', noun: string, parse: (text: string) => T) => {
    const path = resolve(directory, files[part])
    let text: string | undefined
    try {
      text = await readInTurn(path)
      return { text, value: parse(text) }
    } catch (error) {
      // The parser's message is about the bytes of the file.
      const form = `${path} holds no ${noun} in PEM that can be read without a passphrase`
      problems.push({ part, what: text === undefined ? `cannot read the ${noun}: ${messageOf(error)}` : form })
      return { text: '', value: undefined }
    }
  }
  const cert = await read('cert', 'certificate', (text) => new X509Certificate(text))
  const key = await read('key', 'private key', (text) => createPrivateKey(text))
  if (key.value !== undefined && cert.value?.checkPrivateKey(key.value) === false)
    problems.push({
      part: 'key',
      what: `the private key ${files.key} does not belong to the certificate ${files.cert}`,
    })
  const chain = resolve(directory, files.cert)
  try {
    // Reads the rest of the chain, as the listener will.
    if (problems.length === 0) createSecureContext({ cert: cert.text, key: key.text })
  } catch (error) {
    problems.push({ part: 'cert', what: `the chain in ${chain} is broken: ${messageOf(error)}` })
  }
  const expiresAtMs = cert.value && Date.parse(cert.value.validTo)
  return { cert: cert.text, key: key.text, expiresAtMs, problems }
}
