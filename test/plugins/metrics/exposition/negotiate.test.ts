import { describe, expect, test } from 'bun:test'
import { acceptsGzip, formatFor } from '../../../../plugins/metrics/exposition/negotiate.ts'

const openmetrics = 'application/openmetrics-text'

describe('negotiation', () => {
  test.each([
    [null, 'prometheus'],
    ['', 'prometheus'],
    ['*/*', 'prometheus'],
    ['application/json', 'prometheus'],
    [openmetrics, 'openmetrics'],
    [`${openmetrics}; version=1.0.0`, 'openmetrics'],
    [`${openmetrics}; version="0.0.1"`, 'openmetrics'],
    [`${openmetrics}; version=2.0.0`, 'prometheus'],
    [`${openmetrics};q=0`, 'prometheus'],
    [`${openmetrics};q=0,*/*`, 'prometheus'],
    [`${openmetrics};q=0.5,text/plain`, 'prometheus'],
    [`${openmetrics};q=0.5,text/plain;version=0.0.4;q=0.5`, 'openmetrics'],
    [`${openmetrics};q=0.5,text/*;q=0.6`, 'prometheus'],
    [`${openmetrics};q=2,text/plain;q=0.1`, 'prometheus'],
    [`text/plain;version=0.0.4;q=0.5,${openmetrics.toUpperCase()};version=1.0.0`, 'openmetrics'],
    [
      // Prometheus 2.42
      `${openmetrics};version=1.0.0,${openmetrics};version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1`,
      'openmetrics',
    ],
    [
      // Prometheus 3
      `${openmetrics};version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,*/*;q=0.1`,
      'openmetrics',
    ],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'prometheus'],
  ] as const)('Accept %j gives %s', (accept, format) => {
    expect(formatFor(accept)).toBe(format)
  })

  test.each([
    [null, false],
    ['', false],
    ['gzip', true],
    ['deflate, GZIP;q=0.5', true],
    ['gzip;q=0', false],
    ['gzip;q=0, *', false],
    ['*', true],
    ['br', false],
  ] as const)('Accept-Encoding %j: compressed %p', (header, gzip) => {
    expect(acceptsGzip(header)).toBe(gzip)
  })
})
