/** The one limiter that admin uses: the package's index loads those of every database as well, 36 files. */
declare module 'rate-limiter-flexible/lib/RateLimiterMemory.js' {
  export { RateLimiterMemory as default } from 'rate-limiter-flexible'
}
