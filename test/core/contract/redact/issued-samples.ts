/** Keys as their issuers make them, composed so that a scanner of repositories does not take them for real ones. */

const filler = (length: number, alphabet: string) =>
  Array.from({ length }, (_, index) => alphabet[(index * 7 + 3) % alphabet.length]).join('')
const word = (length: number) => filler(length, 'aZ3bY4cX5dW6eV7f')
const hex = (length: number) => filler(length, '0123456789abcdef')
const digits = (length: number) => filler(length, '9876543210')
const letters = (length: number) => filler(length, 'aBcDeFgHi')
const base58 = (length: number) => filler(length, 'aZ3bY4cX5dW6eV7f')
const upper = (length: number) => filler(length, 'A2B3C4D5E6F7')

/** What a text shows before the key; the key. */
export const issuedKeys: readonly (readonly [shown: string, key: string])[] = [
  ...['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'].map((prefix) => ['', prefix + word(36)] as const),
  ['', `github_pat_${word(22)}_${word(59)}`],
  ...['pat', 'dt', 'rt', 'soat', 'ft', 'ffct', 'imt', 'ptt', 'agent', 'oas'].map(
    (kind) => ['', `gl${kind}-${word(26)}`] as const,
  ),
  ['', `glcbt-${hex(2)}_${word(20)}`],
  ['', `glpat-${word(27)}.01.${hex(9)}`],
  ['', `GR1348941${word(20)}`],
  ...['AKIA', 'ASIA', 'ABIA', 'ACCA', 'A3TX'].map((prefix) => ['', prefix + upper(16)] as const),
  ['', `AIza${word(35)}`],
  ['', `GOCSPX-${word(28)}`],
  ['', `ya29.${word(60)}`],
  ...['proj', 'svcacct', 'admin', 'ant-api03', 'or-v1'].map((kind) => ['', `sk-${kind}-${word(40)}`] as const),
  ['', `sk-${word(48)}`],
  ...['xoxb', 'xoxp', 'xoxa', 'xoxs', 'xoxe.xoxp'].map(
    (kind) => ['', `${kind}-${digits(12)}-${digits(12)}-${word(24)}`] as const,
  ),
  ['', `xapp-1-${upper(11)}-${digits(13)}-${hex(64)}`],
  ['https://hooks.slack.com/services/', `T${upper(9)}/B${upper(9)}/${word(24)}`],
  [`https://discord.com/api/webhooks/${digits(18)}/`, word(68)],
  [`https://api.telegram.org/bot${digits(10)}:`, `AA${word(33)}`],
  ...['sk_live_', 'sk_test_', 'rk_live_'].map((prefix) => ['', prefix + word(24)] as const),
  ['', `whsec_${word(32)}`],
  ['', `npm_${word(36)}`],
  ['', `pnu_${word(36)}`],
  ['', `rubygems_${hex(48)}`],
  ['', `hf_${letters(34)}`],
  ['', `SG.${word(22)}.${word(43)}`],
  ['', `xkeysib-${hex(64)}-${word(16)}`],
  ...['dop', 'doo', 'dor'].map((kind) => ['', `${kind}_v1_${hex(64)}`] as const),
  ...['at', 'ca', 'pa', 'ss'].map((kind) => ['', `shp${kind}_${hex(32)}`] as const),
  ['', `hvs.${word(95)}`],
  ['', `hvb.${word(140)}`],
  ['', `dp.pt.${word(43)}`],
  ['', `dapi${hex(32)}`],
  ['', `dt0c01.${upper(24)}.${upper(64)}`],
  ['', `glsa_${word(32)}_${hex(8)}`],
  ['', `glc_${word(60)}==`],
  ['', `sntrys_${word(60)}`],
  ['', `sntryu_${hex(64)}`],
  ['', `pscale_tkn_${word(43)}`],
  ['', `PMAK-${hex(24)}-${hex(34)}`],
  ['', `lin_api_${word(40)}`],
  ['', `ntn_${digits(11)}${word(35)}`],
  ['', `ATATT3${word(186)}`],
  ['', `HRKU-AA${word(58)}`],
  ['', `tskey-auth-${word(17)}-${word(32)}`],
  ['', `AGE-SECRET-KEY-1${filler(58, 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L')}`],
  ['', `5H${base58(49)}`],
  ['', `K${base58(51)}`],
  ['', `L${base58(51)}`],
  ['', `c${base58(51)}`],
]
