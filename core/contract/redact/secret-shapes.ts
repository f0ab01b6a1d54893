/** Secrets that are known by their shape, wherever they stand in a text. Pure; every expression takes linear time. */
import type { Span } from './spans.ts'

/** A cheap first test: without a match no shape can match. */
export const shapeSign =
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

/** Words joined by dots. A word is tried once, from its beginning; a JWT may begin within the word. */
const dotted = /(?<![\w-])[\w-]+(?:\.[\w-]+)+/g
const jwtHead = /(?<![A-Za-z0-9])eyJ[\w-]{8}/g

/** @param text one that {@link shapeSign} matches @param found gets the spans of secrets */
export function findShapes(text: string, found: Span[]): void {
  for (const shape of shapes)
    for (const { 0: match, 1: before = '', index } of text.matchAll(shape))
      found.push([index + before.length, index + match.length])
  if (!text.includes('eyJ')) return
  for (const { 0: words, index } of text.matchAll(dotted)) {
    jwtHead.lastIndex = 0
    if (jwtHead.test(words) && words.includes('.', jwtHead.lastIndex))
      found.push([index + jwtHead.lastIndex - 11, index + words.length])
  }
}
