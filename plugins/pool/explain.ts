/** PURE. Which statements may be explained. */

/** @returns why not; undefined where it may */
export function explainProblem(text: string): string | undefined {
  const bare = text.trim().replace(/;\s*$/, '')
  if (!/^select\b/i.test(bare)) return 'it is not a SELECT'
  if (bare.includes(';')) return 'it may hold more than one statement'
  if (/\bfor\s+(no\s+key\s+)?(update|share|key)\b|\binto\b/i.test(bare)) return 'it locks or writes'
  return undefined
}
