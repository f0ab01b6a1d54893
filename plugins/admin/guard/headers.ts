/** @param styles what styles may come from @see https://www.w3.org/TR/CSP3/ */
export const contentPolicy = (styles = "'self'"): string =>
  `default-src 'none'; style-src ${styles}; img-src 'self' data:; connect-src 'self'; script-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`

/** What every answer of the API carries. @see https://owasp.org/www-project-secure-headers/ */
export const securityHeaders: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': contentPolicy(),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}
