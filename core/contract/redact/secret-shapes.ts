/** Secrets that are known by their shape, wherever they stand in a text. Pure; every expression takes linear time. */
import type { Span } from './spans.ts'

/** A cheap first test: without a match none of {@link shapes} can match. */
const shapeSign =
  /eyJ|[sS][eE][cC]1|02010[34]|AgE|MDA|[xyztuv]prv|ark_|PRIVATE KEY|(?:[rR][eE][rR]|[oO][oO][nN]|[sS][iI][cC])\s/

/** A group is what stands before the secret. */
const shapes: readonly RegExp[] = [
  /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g,
  /(?:nsec1|ncryptsec1)[02-9ac-hj-np-z]{16,}/gi,
  /[xyztuv]prv[1-9A-HJ-NP-Za-km-z]{40,}/g,
  // An API key of the plugin admin.
  /ark_[0-9a-f]{12}_[\w-]{16,}/g,
  // Macaroons: version 2 of lnd, tapd, loop, pool and litd in hex; of any service, and version 1, in base64.
  /0201(?:036c6e64|0474617064|046c6f6f70|04706f6f6c|046c697464)[0-9a-f]{8,}/gi,
  /(?:AgE[DL][\w+/-]{12,}|(?<![\w+/])AgE[\w+/-]{41,})={0,2}/g,
  /MDA[\w+/-]{2}2xvY2F0aW9u[\w+/-]{16,}={0,2}/g,
  /\b((?:bearer|macaroon)\s+)(?!realm=)[\w.~+/=-]{6,}/gi,
  /\b([Bb]asic\s+|BASIC\s+)(?!(?:realm=|[Aa]uth(?:entication|orization)\b))(?=[a-z+/]*[A-Z0-9=])[\w+/]{6,}={0,2}/g,
]

/**
 * Keys with a prefix that their issuer fixed, so that scanners find them: prefixes and lengths as in the rules of
 * gitleaks. Each key has a {@link longWord}.
 */
export const issued: readonly RegExp[] = [
  /gh[oprsu]_[A-Za-z0-9]{36,}/, // GitHub
  /github_pat_\w{22,}/,
  /gl(?:agent|cbt|dt|ffct|ft|imt|oas|pat|ptt|rt|soat)-[\w.-]{20,}/, // GitLab
  /GR1348941[\w-]{20,}/,
  /(?:A3T[A-Z0-9]|ABIA|ACCA|AKIA|ASIA)[A-Z2-7]{16}(?![A-Za-z0-9])/, // AWS
  /AIza[\w-]{35,}/, // Google
  /GOCSPX-[\w-]{28,}/,
  /ya29\.[\w-]{20,}/,
  /sk-(?:admin|ant-[a-z]+\d+|or-v1|proj|svcacct)-[\w-]{20,}/, // Anthropic, OpenAI, OpenRouter
  /sk-[A-Za-z0-9]{32,}/,
  /xox[a-z](?:\.xox[bp])?-[A-Za-z0-9-]{20,}/, // Slack
  /xapp-\d-[A-Za-z0-9-]{20,}/,
  /(?<=hooks\.slack\.com\/(?:services|triggers|workflows)\/)[\w+/-]{40,}/,
  /(?<=\/api\/webhooks\/\d{17,20}\/)[\w-]{60,}/, // Discord
  /(?<=\d{8}:)AA[\w-]{32,}/, // Telegram
  /[rs]k_(?:live|prod|test)_[A-Za-z0-9]{16,}/, // Stripe
  /whsec_[\w+/-]{24,}/,
  /(?:npm|pnu)_[A-Za-z0-9]{36,}/, // npm, Prefect
  /rubygems_[a-f0-9]{48,}/,
  /hf_[A-Za-z]{34,}/, // Hugging Face
  /SG\.[\w-]{20,}\.[\w-]{20,}/, // SendGrid
  /xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}/, // Brevo
  /do[opr]_v1_[a-f0-9]{64}/, // DigitalOcean
  /shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}/, // Shopify
  /hv[bs]\.[\w-]{24,}/, // Vault
  /dp\.[a-z]{2,5}\.[A-Za-z0-9]{40,}/, // Doppler
  /dapi[a-f0-9]{32}/, // Databricks
  /dt0c01\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{64}/, // Dynatrace
  /glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}/, // Grafana
  /glc_[A-Za-z0-9+/]{32,}={0,3}/,
  /sntry(?:s_[\w+/=]{40,}|u_[a-f0-9]{64})/, // Sentry
  /pscale_(?:oauth|pw|tkn)_[\w=.-]{32,}/, // PlanetScale
  /PMAK-[a-f0-9]{24}-[a-f0-9]{34}/, // Postman
  /lin_api_[A-Za-z0-9]{40,}/, // Linear
  /ntn_\d{11}[A-Za-z0-9]{35}/, // Notion
  /ATATT3[\w=-]{60,}/, // Atlassian
  /HRKU-AA[\w-]{58}/, // Heroku
  /tskey-[a-z]+-[\w-]{16,}/, // Tailscale
  /AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}/,
  /(?:5[HJK][1-9A-HJ-NP-Za-km-z]{49}|[KLc][1-9A-HJ-NP-Za-km-z]{51})(?![A-Za-z0-9])/, // A private key of Bitcoin (WIF).
]
const longWord = /(?<![\w-])[\w-]{20}/
/** In the middle of a word no key begins, except behind `%3D` or `\n`. */
const issuedKey = new RegExp(
  `(?<![A-Za-z0-9](?<!%[\\dA-Fa-f]{2}|\\\\[a-z]))(?:${issued.map(({ source }) => source).join('|')})`,
  'g',
)

/** Words joined by dots. A word is tried once, from its beginning; a JWT may begin within the word. */
const dotted = /(?<![\w-])[\w-]+(?:\.[\w-]+)+/g
const jwtHead = /(?<![A-Za-z0-9])eyJ[\w-]{8}/g

/** @param found gets the spans of secrets */
export function findShapes(text: string, found: Span[]): void {
  const take = (shape: RegExp) => {
    for (const { 0: match, 1: before = '', index } of text.matchAll(shape))
      found.push([index + before.length, index + match.length])
  }
  if (longWord.test(text)) take(issuedKey)
  if (!shapeSign.test(text)) return
  shapes.forEach(take)
  if (!text.includes('eyJ')) return
  for (const { 0: words, index } of text.matchAll(dotted)) {
    jwtHead.lastIndex = 0
    if (jwtHead.test(words) && words.includes('.', jwtHead.lastIndex))
      found.push([index + jwtHead.lastIndex - 11, index + words.length])
  }
}
