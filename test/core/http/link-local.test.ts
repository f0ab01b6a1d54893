import { expect, test } from 'bun:test'
import { hostIn, isLinkLocal } from '../../../core/http/link-local.ts'

test.each([
  '169.254.169.254',
  '169.254.0.1',
  '0xa9fea9fe',
  '2852039166',
  '0251.0376.0251.0376',
  '169.254.169.254.',
  'fe80::1',
  '[fe80::1%eth0]',
  'febf::1',
  '::ffff:169.254.169.254',
  '[::ffff:a9fe:a9fe]',
  '64:ff9b::169.254.169.254',
  'fd00:ec2::254',
  'metadata.google.internal',
  'METADATA.google.internal.',
  '100.100.100.200',
])('%s is kept from', (host) => expect(isLinkLocal(host)).toBe(true))

test.each(['127.0.0.1', '10.0.0.1', '169.253.1.1', '::1', 'fd00::1', 'fec0::1', 'db.example', 'metadata.example', ''])(
  '%p is not',
  (host) => expect(isLinkLocal(host)).toBe(false),
)

test.each<[string, string | undefined]>([
  ['http://169.254.169.254/latest', '169.254.169.254'],
  ['postgres://u:p@169.254.169.254:5432/x', '169.254.169.254'],
  ['http://evil@[fe80::1]:80/', '[fe80::1]'],
  ['redis://[::1]', '[::1]'],
  ['169.254.169.254:80', '169.254.169.254'],
  ['fe80::1', 'fe80::1'],
  ['metadata', 'metadata'],
  ['a text of words', undefined],
])('%p names the host %p', (text, host) => expect(hostIn(text)).toBe(host))
